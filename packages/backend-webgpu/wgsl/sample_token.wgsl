// A token of each row of logits, one workgroup a row. Filters and ranks are found by value, not by sorting: a logit's bits are a
// key that grows with it, and a search over keys takes two bits a round. Tokens with the same logit stand in the order of their
// numbers. Which tokens are left is said by a key, by the last number that may have this key, and by the least weight.
#import grid
#import numbers
#import philox
const threads = 256u;
#import reduce
struct Params {
  n: u32,
  groups: u32,
}
var<uniform> params: Params;
var<storage, read> logits: array<f32>;
var<storage, read> settings: array<f32>;
var<storage, read_write> random: array<u32>;
var<storage, read_write> ids: array<i32>;
#if logProbability
var<storage, read_write> logProbability: array<f32>;
#endif
var<private> first: u32;
var<private> top: f32;
var<private> temperature: f32;
var<private> cut_key: u32;
var<private> cut_token: u32;
var<private> least: f32;
var<workgroup> quads: array<vec4<f32>, threads>;
var<workgroup> columns_of_quads: array<vec4<f32>, 16>;
// What tokens weigh or count: for each thread, and for sixteen threads that follow each other.
var<workgroup> counts: array<f32, threads>;
var<workgroup> teams: array<f32, 16>;
var<workgroup> found: atomic<u32>;
var<workgroup> drawn: f32;

fn logit(token: u32) -> f32 {
  return logits[first + token];
}

fn weight_of(value: f32) -> f32 {
  return exponential((value - top) / temperature);
}

fn key_of(value: f32) -> u32 {
  // Both zeros have one key.
  let bits = bitcast<u32>(select(value, 0.0, value == 0.0));
  return select(bits | 0x80000000u, ~bits, bits >= 0x80000000u);
}

fn value_of(key: u32) -> f32 {
  return bitcast<f32>(select(~key, key & 0x7fffffffu, key >= 0x80000000u));
}

fn is_left(token: u32, key: u32, weight: f32) -> bool {
  return (key > cut_key || (key == cut_key && token <= cut_token)) && weight >= least;
}

// What tokens that are left and have at least these keys weigh together, and how many there are of the last.
fn measure(thread: u32, keys: vec3<u32>, counted: bool) -> vec4<f32> {
  var own = vec4<f32>();
  for (var token = thread; token < params.n; token += threads) {
    let value = logit(token);
    let key = key_of(value);
    let weight = weight_of(value);
    if (is_left(token, key, weight)) {
      let size = select(weight, 1.0, counted);
      own += vec4<f32>(select(vec3<f32>(), vec3<f32>(size), vec3<u32>(key) >= keys), select(0.0, 1.0, key >= keys.z));
    }
  }
  workgroupBarrier();
  quads[thread] = own;
  workgroupBarrier();
  if (thread < 16u) {
    var sum = vec4<f32>();
    for (var i = thread; i < threads; i += 16u) {
      sum += quads[i];
    }
    columns_of_quads[thread] = sum;
  }
  workgroupBarrier();
  var sum = vec4<f32>();
  for (var i = 0u; i < 16u; i++) {
    sum += columns_of_quads[i];
  }
  return sum;
}

// The largest key from which on they measure at least `bound`, or more than it; 0 where none does.
fn search(thread: u32, bound: f32, above: bool, counted: bool) -> u32 {
  var key = 0u;
  for (var shift = 30u; shift < 32u; shift -= 2u) {
    let keys = vec3<u32>(key) + (vec3<u32>(1u, 2u, 3u) << vec3<u32>(shift));
    let sums = measure(thread, keys, counted);
    for (var i = 0; i < 3; i++) {
      if (select(sums[i] >= bound, sums[i] > bound, above)) {
        key = keys[i];
      }
    }
  }
  return key;
}

// Tokens of a sixteenth of the row, which a team of sixteen threads reads side by side; and of one thread where a sixteenth is shared by all.
fn of_team() -> u32 {
  return (params.n + threads - 1u) / threads * 16u;
}

fn of_thread() -> u32 {
  return (of_team() + threads - 1u) / threads;
}

// Its weight, or 1 where it has this key; 0 beyond the last token.
fn size_of(token: u32, key: u32, weighed: bool) -> f32 {
  let value = logit(min(token, params.n - 1u));
  return select(0.0, select(select(0.0, 1.0, key_of(value) == key), weight_of(value), weighed), token < params.n);
}

// Sums of teams, from those of threads; and their sum.
fn sum_teams(thread: u32, own: f32) -> f32 {
  workgroupBarrier();
  counts[thread] = own;
  workgroupBarrier();
  if (thread < 16u) {
    var sum = 0.0;
    for (var i = 0u; i < 16u; i++) {
      sum += counts[16u * thread + i];
    }
    teams[thread] = sum;
  }
  workgroupBarrier();
  var all = 0.0;
  for (var i = 0u; i < 16u; i++) {
    all += teams[i];
  }
  return all;
}

// What all tokens measure, as `token_at` sums them.
fn sum_in_order(thread: u32, key: u32, weighed: bool) -> f32 {
  let span = of_team();
  let begin = thread / 16u * span + thread % 16u;
  var sum = 0.0;
  for (var i = 0u; i < span; i += 64u) {
#repeat j 4
    let token$j = begin + i + $ju * 16u;
    let size$j = select(0.0, size_of(token$j, key, weighed), i + $ju * 16u < span);
#end
#repeat j 4
    sum += size$j;
#end
  }
  return sum_teams(thread, sum);
}

// The first of 16 sums with which the running sum passes `bound`, or the last one above 0, should rounding leave none. `before`
// becomes what was before it.
fn passes(sums: array<f32, 16>, before: ptr<function, f32>, bound: f32) -> u32 {
  var chosen = 0u;
  var running = *before;
  for (var i = 0u; i < 16u; i++) {
    let size = sums[i];
    if (size > 0.0) {
      chosen = i;
      *before = running;
      if (running + size > bound) {
        break;
      }
    }
    running += size;
  }
  return chosen;
}

// The token where the running sum passes `bound`: of weights, or of tokens with this key. Behind `sum_in_order`: the sixteenth of the
// row is known by the sums of teams; in it a team, a thread, a token.
fn token_at(thread: u32, bound: f32, key: u32, weighed: bool) -> u32 {
  var before = 0.0;
  let first_token = passes(teams, &before, bound) * of_team();
  let part = of_thread();
  // A sixteenth may be less than all threads' parts of it.
  let end = min(first_token + of_team(), params.n);
  var sum = 0.0;
  let begin = first_token + thread * part;
  for (var token = begin; token < min(begin + part, end); token++) {
    sum += size_of(token, key, weighed);
  }
  sum_teams(thread, sum);
  let team = passes(teams, &before, bound);
  var own: array<f32, 16>;
  for (var i = 0u; i < 16u; i++) {
    own[i] = counts[16u * team + i];
  }
  let chosen = first_token + (16u * team + passes(own, &before, bound)) * part;
  var token = chosen;
  for (var i = chosen; i < min(chosen + part, end); i++) {
    let size = size_of(i, key, weighed);
    if (size > 0.0) {
      token = i;
      if (before + size > bound) {
        break;
      }
    }
    before += size;
  }
  return token;
}

fn draw_any(thread: u32, uniform_number: f32) -> u32 {
  let all = sum_in_order(thread, 0u, true);
  return token_at(thread, uniform_number * all, 0u, true);
}

fn draw_filtered(thread: u32, uniform_number: f32, most: f32, probability: f32, least_weight: f32) -> u32 {
  cut_key = 0u;
  cut_token = params.n;
  least = 0.0;
  if (most < f32(params.n)) {
    let count = max(1.0, most);
    let key = search(thread, count, false, true);
    let before = measure(thread, vec3<u32>(key + 1u), true).x;
    sum_in_order(thread, key, false);
    cut_token = token_at(thread, count - before - 1.0, key, false);
    cut_key = key;
  }
  if (probability < 1.0) {
    let bound = probability * measure(thread, vec3<u32>(), false).x;
    let key = search(thread, bound, false, false);
    let before = measure(thread, vec3<u32>(key + 1u), false);
    let same = measure(thread, vec3<u32>(key), true).x - before.w;
    let needed = clamp(ceil((bound - before.x) / weight_of(value_of(key))), 1.0, max(1.0, same));
    sum_in_order(thread, key, false);
    let last = token_at(thread, needed - 1.0, key, false);
    if (key > 0u) {
      cut_token = last;
      cut_key = key;
    }
  }
  least = least_weight;
  let bound = uniform_number * measure(thread, vec3<u32>(), false).x;
  let key = search(thread, bound, true, false);
  let before = measure(thread, vec3<u32>(key + 1u), false);
  let same = measure(thread, vec3<u32>(key), true).x - before.w;
  let place = clamp(floor((bound - before.x) / weight_of(value_of(key))), 0.0, max(0.0, same - 1.0));
  sum_in_order(thread, key, false);
  return token_at(thread, place, key, false);
}

// The word that is `ahead` of where the generator of a row stands.
fn word(at: u32, ahead: u32) -> u32 {
  let low = random[at + 2u] + ahead;
  let high = random[at + 3u] + select(0u, 1u, low < ahead);
  let counter = vec4<u32>((low >> 2u) | (high << 30u), high >> 2u, random[at + 4u], random[at + 5u]);
  return philox(counter, vec2<u32>(random[at], random[at + 1u]))[low & 3u];
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(num_workgroups) workgroups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let row = group_of(workgroup, workgroups);
  if (row >= params.groups) {
    return;
  }
  first = row * params.n;
  let hot = settings[4u * row] > 0.0;
  temperature = settings[4u * row];
  var most = -infinity();
  var wrong = 0.0;
  // Tokens beyond the last are the last once more.
  for (var token = thread; token < params.n; token += 8u * threads) {
#repeat j 8
    let value$j = logit(min(token + $ju * threads, params.n - 1u));
#end
#repeat j 8
    most = max(most, value$j);
    if (is_nan(value$j)) {
      wrong = 1.0;
    }
#end
  }
  wrong = workgroup_max(thread, wrong);
  top = workgroup_max(thread, most);
  var total = 0.0;
  for (var token = thread; token < params.n; token += 8u * threads) {
#repeat j 8
    let value$j = logit(min(token + $ju * threads, params.n - 1u));
#end
#repeat j 8
    total += select(0.0, exponential(value$j - top), token + $ju * threads < params.n);
#end
  }
  total = workgroup_sum(thread, total);
  var token = 0xffffffffu;
  if (hot) {
    if (thread == 0u) {
      let at = 6u * row;
      // A multiple of 2^-24 and below 1. The second word of a draw is beyond the digits of a float.
      drawn = f32(word(at, 0u) >> 8u) / 16777216.0;
      let low = random[at + 2u] + 2u;
      random[at + 2u] = low;
      random[at + 3u] += select(0u, 1u, low < 2u);
    }
    workgroupBarrier();
    let filters = vec3<f32>(settings[4u * row + 1u], settings[4u * row + 2u], settings[4u * row + 3u]);
    if (filters.x < f32(params.n) || filters.y < 1.0 || filters.z > 0.0) {
      token = draw_filtered(thread, drawn, filters.x, filters.y, filters.z);
    } else {
      token = draw_any(thread, drawn);
    }
  } else {
    workgroupBarrier();
    atomicStore(&found, 0xffffffffu);
    workgroupBarrier();
    for (var i = thread; i < params.n; i += threads) {
      if (logit(i) == top) {
        atomicMin(&found, i);
        break;
      }
    }
    workgroupBarrier();
    token = atomicLoad(&found);
  }
  if (thread == 0u) {
    let right = wrong == 0.0 && is_finite(top);
    ids[row] = select(-1, i32(token), right);
#if logProbability
    logProbability[row] = nan();
    if (right) {
      logProbability[row] = (logit(token) - top) - log(total);
    }
#endif
  }
}
