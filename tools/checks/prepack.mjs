// Runs before a package is packed. Ranges such as `workspace:^` become versions in pnpm's hands alone: npm would pack a package that
// nobody can install.
if (!process.env.npm_config_user_agent?.startsWith('pnpm/')) {
  process.stderr.write(
    `${process.cwd()}: npm cannot pack this package, use \`pnpm pack\`; all of them: \`pnpm release --dry-run\`\n`,
  );
  process.exit(1);
}
