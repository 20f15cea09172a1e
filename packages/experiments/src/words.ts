/** Numbers as people read them. */

/** 1234567 → 1.23 M, with a unit behind it. */
export function quantity(value: number, unit = ''): string {
  const scales = [
    [1e18, 'E'],
    [1e15, 'P'],
    [1e12, 'T'],
    [1e9, 'G'],
    [1e6, 'M'],
    [1e3, 'k'],
  ] as const;
  const [scale, prefix] = scales.find(([least]) => value >= least) ?? [1, ''];
  const digits = scale === 1 && Number.isInteger(value) ? String(value) : (value / scale).toPrecision(3);
  return `${digits} ${prefix}${unit}`.trim();
}

/** 1.52 → 1.5 : 1, 1083 → 1,100 : 1. */
export function ratio(value: number): string {
  const digits = { minimumSignificantDigits: 2, maximumSignificantDigits: 2 };
  return `${value.toLocaleString('en-US', digits)} : 1`;
}

/** 1536 → 1.5 KiB. */
export function bytes(value: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}
