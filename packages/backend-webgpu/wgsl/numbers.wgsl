// Functions of one number that are right to the last digits, whatever the device's own are like, and numbers that WGSL has
// no literals for. Bits are tested where a compiler may take every number for finite.
fn infinity() -> f32 {
  var bits = 0x7f800000u;
  return bitcast<f32>(bits);
}

fn nan() -> f32 {
  var bits = 0x7fc00000u;
  return bitcast<f32>(bits);
}

fn is_nan(x: f32) -> bool {
  return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u;
}

fn is_finite(x: f32) -> bool {
  return (bitcast<u32>(x) & 0x7f800000u) != 0x7f800000u;
}

// e^x, after Cody and Waite; 0 below the smallest normal number.
fn exponential(x: f32) -> f32 {
  if (is_nan(x)) {
    return x;
  }
  if (x > 88.722839) {
    return infinity();
  }
  if (x < -87.336544) {
    return 0.0;
  }
  let n = round(x * 1.44269504);
  let r = (x - n * 0.693359375) + n * 2.12194440e-4;
  let p = ((((1.9875691500e-4 * r + 1.3981999507e-3) * r + 8.3334519073e-3) * r + 4.1665795894e-2) * r + 1.6666665459e-1) * r + 5.0000001201e-1;
  let y = p * r * r + r + 1.0;
  // In two factors: 2^128 is no number.
  let half = i32(n) / 2;
  return y * bitcast<f32>(u32(half + 127) << 23u) * bitcast<f32>(u32(i32(n) - half + 127) << 23u);
}

// log(1 + x) for x in [0, 1].
fn log_one_plus(x: f32) -> f32 {
  let s = x / (2.0 + x);
  let q = s * s;
  let series = 1.0 + q * (1.0 / 3.0 + q * (1.0 / 5.0 + q * (1.0 / 7.0 + q * (1.0 / 9.0 + q * (1.0 / 11.0 + q * (1.0 / 13.0 + q / 15.0))))));
  return 2.0 * s * series;
}

fn sigmoid(x: f32) -> f32 {
  let e = exponential(-abs(x));
  return select(e, 1.0, x >= 0.0) / (1.0 + e);
}
