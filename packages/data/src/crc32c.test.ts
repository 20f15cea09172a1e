import { describe, expect, it } from 'vitest';
import { crc32c } from './crc32c';

describe('CRC-32C', () => {
  it.each([
    ['32 bytes of 0', new Uint8Array(32), 0x8a9136aa],
    ['32 bytes of 255', new Uint8Array(32).fill(255), 0x62a8ab43],
    ['0 to 31', Uint8Array.from({ length: 32 }, (_, i) => i), 0x46dd794e],
    ['digits', new TextEncoder().encode('123456789'), 0xe3069283],
  ])('has the values of RFC 3720: %s', (_, bytes, expected) => {
    expect(crc32c(bytes)).toBe(expected);
  });
});
