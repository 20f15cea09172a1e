// Workgroups are launched by their number alone and folded into rows where one dimension does not hold them all. The last
// row may have a few too many: a kernel returns where its group is not below params.groups, or its element not below a size.
fn group_of(workgroup: vec3<u32>, workgroups: vec3<u32>) -> u32 {
  return workgroup.x + workgroup.y * workgroups.x;
}
