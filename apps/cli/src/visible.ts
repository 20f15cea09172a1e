// Text of others in a terminal: names, paths and what a model writes may hold characters that steer it.

/** The same text with control characters, and those that turn the direction of writing, spelt out; lines and tabs stay. */
export function visible(text: string): string {
  return text.replaceAll(/(?![\n\t])[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu, (character) => {
    const code = character.charCodeAt(0).toString(16);
    return code.length > 2 ? `\\u${code}` : `\\x${code.padStart(2, '0')}`;
  });
}
