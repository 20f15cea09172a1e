// Sums of numbers that may be too small for a device that has none below 2^-126 are taken of them times `boost`.
const boost = 16777216.0;
