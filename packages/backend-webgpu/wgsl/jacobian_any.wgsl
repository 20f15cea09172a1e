// The Jacobian of φ of any power, for feature_gradient.wgsl: tiles of quads in the order of their table.
#import features
var<private> sum: array<f32, width>;
var<private> first_quad: u32;

fn weights_of(n: u32) -> vec4<f32> {
  let quad = first_quad + n / 4u;
  if (quad < params.quads) {
    return quad_weights(quad);
  }
  return vec4<f32>();
}

fn row_of(n: u32) -> u32 {
  return quad_row(min(first_quad + n / 4u, params.quads - 1u));
}

// ∂φ/∂x, transposed, times one part of a tile of dφ, for the token of this thread; x of the token begins at `at`.
fn add_part(part: u32, tile_quad: u32, m: u32, at: u32) {
  let first = tile_quad + part * part_n / 4u;
  for (var i = 0u; i < part_n / 4u && first + i < params.quads; i++) {
    let quad = first + i;
    let gradient = gradient_of(part, i, m);
    let last = quad_last(quad);
    var monomial = 1.0;
    var along = 0.0;
#repeat j 4
    along += gradient[$j] * x[at + (last + $ju) * params.padded];
#end
#repeat r prefix
    let i$r = quad_prefix(quad, $ru);
    let x$r = x[at + i$r * params.padded];
    monomial *= x$r;
#end
#repeat j 4
    sum[last + $ju] += gradient[$j] * monomial;
#end
#repeat r prefix
    var others$r = along;
#repeat s prefix
    if ($r != $s) {
      others$r *= x$s;
    }
#end
    sum[i$r] += others$r;
#end
  }
}

fn contract(thread: u32, at: u32, mine: bool) {
  prefetch(thread, 0u);
  for (var quad = 0u; quad < params.quads; quad += tile_n / 4u) {
    put_features(thread);
    clear_results();
    multiply_fetched(thread, 0u, params.columns);
    first_quad = quad + tile_n / 4u;
    prefetch(thread, 0u);
    for (var part = 0u; part < parts; part++) {
      put_results(thread, part);
      workgroupBarrier();
      if (mine) {
        add_part(part, quad, thread, at);
      }
      workgroupBarrier();
    }
  }
  if (mine) {
    for (var i = 0u; i < width; i++) {
      dx[at + i * params.padded] = sum[i];
    }
  }
}
