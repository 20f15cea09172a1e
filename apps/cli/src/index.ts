// What `import … from 'sympow'` gives: the package to start with.
export * from '@sympow/start';
