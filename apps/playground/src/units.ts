// Numbers as people read them, with their units.

const number = (value: number, digits: number) =>
  value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });

/** `12.3 MB`. */
export function bytes(count: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB'];
  let [value, unit] = [count, 0];
  while (value >= 1000 && unit < units.length - 1) [value, unit] = [value / 1000, unit + 1];
  return `${number(value, unit === 0 || value >= 100 ? 0 : 1)} ${units[unit]}`;
}

/** `108 thousand`, `1.2 million`. */
export function quantity(count: number): string {
  if (count < 1000) return number(count, 0);
  if (count < 1e6) return `${number(count / 1000, count < 10_000 ? 1 : 0)} thousand`;
  return `${number(count / 1e6, 1)} million`;
}

/** `40 s`, `3 min 20 s`, `2 h 5 min`. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return whole % 60 && minutes < 10 ? `${minutes} min ${whole % 60} s` : `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
}

/** `1,234`. */
export const whole = (value: number): string => number(value, 0);

/** A loss: `1.234`. */
export const loss = (value: number): string => number(value, 3);
