// Workers that start workers are ES modules; these headers give the page threads.
import { defineConfig } from 'vite';

const headers = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' };

export default defineConfig({
  base: './',
  worker: { format: 'es' },
  build: { target: 'es2022' },
  optimizeDeps: { exclude: ['@sympow/backend-wasm'] },
  server: { headers },
  preview: { headers },
});
