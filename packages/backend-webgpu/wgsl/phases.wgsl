// Phases in turns as fractions of 64 bits, which wrap by themselves: low word, high word. The kernel's parameters have `columns`,
// pairs of a token, `half`, pairs of a head, and `plane`, the distance of two planes.
var<storage, read> theta: array<f32>;
#if thetaTail
var<storage, read> thetaTail: array<f32>;
#endif
#if beta
var<storage, read> beta: array<f32>;
#endif
#if phase
var<storage, read> phase: array<f32>;
#endif
#if resume
var<storage, read> resume: array<f32>;
#endif
#if last
// Two planes whose sum is the phase after the last token; with the flag `continues` also that before the first.
var<storage, read_write> last: array<f32>;
#endif

struct Sum {
  turns: vec2<u32>,
}

fn nothing() -> Sum {
  return Sum();
}

fn join(earlier: Sum, later: Sum) -> Sum {
  return Sum(add_turns(earlier.turns, later.turns));
}

fn add_turns(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
  let low = a.x + b.x;
  return vec2<u32>(low, a.y + b.y + u32(low < a.x));
}

// a·b in two words.
fn times(a: u32, b: u32) -> vec2<u32> {
  let low = (a & 0xffffu) * (b & 0xffffu);
  let cross = (a >> 16u) * (b & 0xffffu) + (low >> 16u);
  let other = (a & 0xffffu) * (b >> 16u) + (cross & 0xffffu);
  return vec2<u32>((low & 0xffffu) | (other << 16u), (a >> 16u) * (b >> 16u) + (cross >> 16u) + (other >> 16u));
}

// Numbers with 64 bits behind the point, lowest word first.
alias Fixed = vec3<u32>;
const one = Fixed(0u, 0u, 1u);
// 1/2π
const per_radian = Fixed(0x9391054au, 0x28be60dbu, 0u);

fn add_fixed(a: Fixed, b: Fixed) -> Fixed {
  let low = add_turns(a.xy, b.xy);
  let carry = u32(low.y < a.y || (low.y == a.y && low.x < a.x));
  return Fixed(low, a.z + b.z + carry);
}

fn negated(a: Fixed) -> Fixed {
  return add_fixed(~a, Fixed(1u, 0u, 0u));
}

// a·x modulo 2^32; the bits of a·|x| behind the 64th are dropped.
fn scaled(a: Fixed, x: f32) -> Fixed {
  let bits = bitcast<u32>(x);
  let exponent = i32((bits >> 23u) & 255u);
  if (exponent == 0) {
    return Fixed();
  }
  let mantissa = (bits & 0x7fffffu) | 0x800000u;
  let p = times(a.x, mantissa);
  let q = add_turns(times(a.y, mantissa), vec2<u32>(p.y, 0u));
  let r = add_turns(times(a.z, mantissa), vec2<u32>(q.y, 0u));
  let shift = exponent - 150;
  let offset = u32(shift & 31);
  // The words of the product that come into those of the result, and the one before; picked by numbers that are known when the
  // shader is compiled, as others would put them into memory.
  var words = vec4<u32>();
  switch (shift >> 5u) {
    case -4: { words = vec4<u32>(r.y, 0, 0, 0); }
    case -3: { words = vec4<u32>(r.x, r.y, 0, 0); }
    case -2: { words = vec4<u32>(q.x, r.x, r.y, 0); }
    case -1: { words = vec4<u32>(p.x, q.x, r.x, r.y); }
    case 0: { words = vec4<u32>(0, p.x, q.x, r.x); }
    case 1: { words = vec4<u32>(0, 0, p.x, q.x); }
    case 2: { words = vec4<u32>(0, 0, 0, p.x); }
    default: {}
  }
  // No shift is by 32.
  let out = (words.yzw << vec3<u32>(offset)) | ((words.xyz >> vec3<u32>(1)) >> vec3<u32>(31u - offset));
  if ((bits >> 31u) != 0u) {
    return negated(out);
  }
  return out;
}

// |θ|/2π in turns per β, its sign, and the phase before the first token.
var<private> rate: Fixed;
var<private> turns_back: bool;
var<private> initial: vec2<u32>;

fn prepare(batch: u32, column: u32) {
  let frequency = theta[column];
  rate = scaled(per_radian, frequency);
#if thetaTail
  rate = add_fixed(rate, scaled(per_radian, thetaTail[column]));
#endif
  turns_back = frequency < 0.0;
  if (turns_back) {
    rate = negated(rate);
  }
  let place = batch * params.columns + column;
#if phase
  initial = scaled(one, phase[place]).xy;
#endif
#if resume
  initial = add_fixed(scaled(one, resume[place]), scaled(one, resume[params.plane + place])).xy;
#endif
#if continues
  initial = add_fixed(scaled(one, last[place]), scaled(one, last[params.plane + place])).xy;
#endif
}

fn element(at: u32, token: u32) -> Sum {
#if beta
#if beta_per_pair
  let increment = scaled(rate, beta[at]);
#else
  let increment = scaled(rate, beta[at / params.half]);
#endif
#else
  let increment = rate;
#endif
  if (turns_back) {
    return Sum(negated(increment).xy);
  }
  return Sum(increment.xy);
}

// Words of a signed fraction of 64 bits as a number.
fn number(high: i32, low: u32) -> f32 {
  return f32(high) * 2.3283064365386963e-10 + f32(low) * 5.421010862427522e-20;
}

// In [−½, ½).
fn in_turns(sum: Sum) -> f32 {
  let total = add_turns(initial, sum.turns);
  let value = number(bitcast<i32>(total.y), total.x);
  return select(value, value - 1.0, value >= 0.5);
}

fn finish(batch: u32, column: u32, sum: Sum) {
#if last
  let total = add_turns(initial, sum.turns);
  // The 24 bits of a float32, and the rest.
  let head = (total.y + 128u) & 0xffffff00u;
  let place = batch * params.columns + column;
  last[place] = number(bitcast<i32>(head), 0u);
  last[params.plane + place] = number(bitcast<i32>(total.y - head), total.x);
#endif
}
