// The text that ships: small stories, made here, in which what was said of somebody comes back later. Always the same ones.

import { Random } from '@sympow/core';
import type { Text } from './messages';

const names = ['Ada', 'Bruno', 'Clara', 'Dario', 'Edda', 'Falk', 'Greta', 'Hugo', 'Ida', 'Jonas', 'Kira', 'Lars'];
const things = ['lamp', 'kite', 'boat', 'drum', 'key', 'coat', 'bell', 'map', 'cup', 'book', 'basket', 'ladder'];
const colours = ['red', 'blue', 'green', 'white', 'black', 'yellow'];
const places = ['the mill', 'the harbour', 'the garden', 'the school', 'the market', 'the bridge', 'the forest'];
const weathers = [
  'It rained.',
  'The sun was out.',
  'There was fog over the water.',
  'The wind was cold.',
  'It was late.',
];
const ends = ['Then they went home.', 'Nobody was in a hurry.', 'That was all for the day.', 'They would meet again.'];

function story(random: Random): string {
  const pick = (list: readonly string[]) => list[random.integer(list.length)]!;
  const one = pick(names);
  const rest = names.filter((name) => name !== one);
  const two = pick(rest);
  const [thing, colour, place] = [pick(things), pick(colours), pick(places)];
  const other = pick(places.filter((each) => each !== place));
  const middle = [
    `${one} had a ${colour} ${thing}. ${two} asked to see it, and ${one} brought it to ${place}.`,
    `${one} was looking for a ${thing}. ${two} had seen a ${colour} one at ${place}, and so they went there.`,
    `At ${place} ${one} found a ${colour} ${thing}. ${two} said that it was a good ${thing}.`,
    `${two} gave ${one} a ${colour} ${thing}. ${one} carried it from ${place} to ${other}.`,
  ];
  const question = [
    `"What colour is the ${thing}?" asked ${two}. "It is ${colour}," said ${one}.`,
    `"Whose ${thing} is this?" "It is the ${colour} ${thing} of ${one}," said ${two}.`,
    `"Where were you?" "At ${place}," said ${one}, "with ${two} and the ${colour} ${thing}."`,
  ];
  return [pick(weathers), pick(middle), pick(question), pick(ends)].join(' ');
}

/** As many stories; those of one `name` are always the same ones. */
function stories(name: string, count: number): string {
  const random = new Random(7, name);
  return Array.from({ length: count }, () => story(random)).join('\n\n');
}

/** Some 100 KB. */
export const sampleText = (): Text => ({ name: 'Small stories', text: stories('stories', 500) });

/** Stories that are not in the sample, at least as many characters. */
export const moreStories = (characters: number): string =>
  stories('more stories', Math.ceil(characters / shortest)).slice(0, characters);

/** No story is shorter, with the lines between. */
const shortest = 100;
