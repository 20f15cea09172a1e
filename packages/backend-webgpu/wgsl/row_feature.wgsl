// One entry of φ(x·scale), for x the `d` numbers of `vectors` from `at` on.
#import rows
fn row_feature(row: u32, at: u32, scale: f32) -> f32 {
  var value = row_weight(row);
#repeat r power
  value *= vectors[at + row_index(row, $ru)] * scale;
#end
  return value;
}
