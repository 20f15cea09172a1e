// y_i = f_i(x·W_iᵀ + b_i) (+ y_i) for up to five maps of 5 to some 100 rows of x, as many streams that are decoded together take in every
// layer. Rows of x and of W lie along k, and so do panels of them in workgroup memory. `shares` groups of threads have results of the same
// tile, each from vectors of its own in every slice of k, and are summed at the end: so a tile may be small, which leaves
// work for many workgroups. What takes the time is reading weights: threads ask for them `depth` slices ahead.
//
// With `squares` the rows of x are normalised: the sum of their squares comes by the way, and the norm's scale follows the product.
#import grid
#import activations
#import norm_scale
override tile_m: u32 = 64;
override tile_n: u32 = 32;
override shares: u32 = 4;
// Vectors of four of a slice, and of each share of it.
override slice: u32 = 8;
override own: u32 = 2;
// Vectors that a thread loads per slice, at most.
override loads_x: u32 = 2;
override loads_w: u32 = 1;
override depth: u32 = 4;
struct Params {
  groups: u32,
  rows: u32,
  vectors: u32,
  eps: f32,
  accumulate: u32,
#repeat i 5
  // Rows of the map's weights, its first workgroup, and what follows it.
  m$i: u32,
  first$i: u32,
  activation$i: u32,
#end
}
var<uniform> params: Params;
var<storage, read> x: array<vec4<f32>>;
#if normWeight
var<storage, read> normWeight: array<vec4<f32>>;
#endif
#repeat i 5
#if weight$i
var<storage, read> weight$i: array<vec4<f32>>;
#endif
#if bias$i
var<storage, read> bias$i: array<f32>;
#endif
#if y$i
var<storage, read_write> y$i: array<f32>;
#endif
#end

// A thread has results of eight rows and four columns.
const threads_m = tile_m / 8u;
const threads_n = tile_n / 4u;
const per_share = threads_m * threads_n;
const threads = per_share * shares;
// Rows of panels do not begin in the same bank.
const stride = slice + 1u;
const panel_w = tile_m * stride;
var<workgroup> panel: array<vec4<f32>, (tile_m + tile_n) * stride>;
#if squares
var<workgroup> scales: array<f32, tile_m>;
#endif

// Beyond the end of a row stands its last vector: what is there becomes 0 on its way into the panel, when it has arrived.
fn load_x(row: u32, at: u32) -> vec4<f32> {
  return x[row * params.vectors + min(at, params.vectors - 1u)];
}

fn load_w(map: u32, row: u32, at: u32) -> vec4<f32> {
  let place = row * params.vectors + min(at, params.vectors - 1u);
#repeat i 5
#if y$i
  if (map == $iu) {
    return weight$i[place];
  }
#endif
#end
  return vec4<f32>();
}

fn activated(value: f32, activation: u32) -> f32 {
  switch (activation) {
    case 1u: { return gelu(value); }
    case 2u: { return log_sigmoid(value); }
    case 3u: { return one_plus_tanh(value); }
    default: { return value; }
  }
}

@compute @workgroup_size(threads)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(num_workgroups) workgroups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let group = group_of(workgroup, workgroups);
  if (group >= params.groups) {
    return;
  }
  let tiles = (params.rows + tile_m - 1u) / tile_m;
  let first_row = group % tiles * tile_m;
  let place = group / tiles;
  var map = 0u;
#repeat i 5
#if y$i
  if (place >= params.first$i) {
    map = $iu;
  }
#endif
#end
  var first_column = 0u;
  var columns = 1u;
  var activation = 0u;
#repeat i 5
#if y$i
  if (map == $iu) {
    first_column = (place - params.first$i) * tile_n;
    columns = params.m$i;
    activation = params.activation$i;
  }
#endif
#end
  let share = thread / per_share;
  let of_m = thread % per_share / threads_n;
  let of_n = thread % threads_n;

  // What a thread loads of each slice: rows beyond the last one are the last one once more, and not written.
#repeat l loads_x
  let row_x$l = min(first_row + (thread + $lu * threads) / slice, params.rows - 1u);
  let in_x$l = (thread + $lu * threads) % slice;
#if squares
  var squares$l = vec2<f32>();
#endif
#end
#repeat l loads_w
  let row_w$l = min(first_column + (thread + $lu * threads) / slice, columns - 1u);
  let in_w$l = (thread + $lu * threads) % slice;
#end
#repeat u depth
#repeat l loads_w
  var ahead_w$u_$l = load_w(map, row_w$l, in_w$l + $uu * slice);
#end
#end
#repeat l loads_x
  var ahead_x$l = load_x(row_x$l, in_x$l);
#end
#repeat h 2
#repeat i 4
  var sum$h_$i = vec4<f32>();
#end
#end

  for (var begin = 0u; begin < params.vectors; begin += depth * slice) {
#repeat u depth
    if (begin + $uu * slice < params.vectors) {
      workgroupBarrier();
#repeat l loads_x
      ahead_x$l = select(vec4<f32>(), ahead_x$l, begin + $uu * slice + in_x$l < params.vectors);
#if squares
      squares$l += squares_of(ahead_x$l.x) + squares_of(ahead_x$l.y) + squares_of(ahead_x$l.z) + squares_of(ahead_x$l.w);
#endif
      if (thread + $lu * threads < tile_m * slice) {
        panel[(thread + $lu * threads) / slice * stride + in_x$l] = ahead_x$l;
      }
#end
#repeat l loads_w
      if (thread + $lu * threads < tile_n * slice) {
        ahead_w$u_$l = select(vec4<f32>(), ahead_w$u_$l, begin + $uu * slice + in_w$l < params.vectors);
#if normWeight
        ahead_w$u_$l *= normWeight[min(begin + $uu * slice + in_w$l, params.vectors - 1u)];
#endif
        panel[panel_w + (thread + $lu * threads) / slice * stride + in_w$l] = ahead_w$u_$l;
      }
#end
      workgroupBarrier();
#repeat l loads_x
      ahead_x$l = load_x(row_x$l, in_x$l + begin + ($uu + 1u) * slice);
#end
#repeat l loads_w
      ahead_w$u_$l = load_w(map, row_w$l, in_w$l + begin + ($uu + depth) * slice);
#end
#repeat s own
      {
        let at = share * own + $su;
#repeat j 4
        let w$j = panel[panel_w + (of_n + threads_n * $ju) * stride + at];
#end
        let w = transpose(mat4x4<f32>(w0, w1, w2, w3));
#repeat h 2
#repeat i 4
        {
          let four = panel[(of_m + threads_m * (4u * $hu + $iu)) * stride + at];
          sum$h_$i += four.x * w[0];
          sum$h_$i += four.y * w[1];
          sum$h_$i += four.z * w[2];
          sum$h_$i += four.w * w[3];
        }
#end
#end
      }
#end
    }
#end
  }

#if squares
  workgroupBarrier();
#repeat l loads_x
  if (thread + $lu * threads < tile_m * slice) {
    panel[thread + $lu * threads] = vec4<f32>(squares$l, 0.0, 0.0);
  }
#end
  workgroupBarrier();
  for (var m = thread; m < tile_m; m += threads) {
    var all = vec2<f32>();
    for (var i = 0u; i < slice; i++) {
      all += panel[m * slice + i].xy;
    }
    scales[m] = norm_scale(all, 4.0 * f32(params.vectors), params.eps);
  }
#endif
  for (var half = shares / 2u; half > 0u; half /= 2u) {
#repeat h 2
    workgroupBarrier();
    if (share >= half && share < 2u * half) {
#repeat i 4
      panel[$iu * (threads / 2u) + thread - half * per_share] = sum$h_$i;
#end
    }
    workgroupBarrier();
    if (share < half) {
#repeat i 4
      sum$h_$i += panel[$iu * (threads / 2u) + thread];
#end
    }
#end
  }
  workgroupBarrier();
  if (share == 0u) {
#repeat h 2
#repeat i 4
    panel[(of_m + threads_m * (4u * $hu + $iu)) * threads_n + of_n] = sum$h_$i;
#end
#end
  }
  workgroupBarrier();
  for (var i = thread; i < tile_m * tile_n; i += threads) {
    let m = i / tile_n;
    let n = i % tile_n;
    let row = first_row + m;
    let column = first_column + n;
    if (row < params.rows && column < columns) {
      var value = panel[m * threads_n + n % threads_n][n / threads_n];
#if squares
      value *= scales[m];
#endif
      let at = row * columns + column;
#repeat i 5
#if y$i
      if (map == $iu) {
#if bias$i
        value += bias$i[column];
#endif
        value = activated(value, activation);
        if (params.accumulate != 0u) {
          value += y$i[at];
        }
        y$i[at] = value;
      }
#endif
#end
    }
  }
}
