// Keeps the built page in the browser; see `serviceWorker.ts`.

/**
 * Registers the service worker. On a server that sends no headers for threads the page is loaded once more, through the service
 * worker, which sends them.
 */
export function keepOffline(): void {
  if (!import.meta.env.PROD || !('serviceWorker' in navigator)) return;
  const { serviceWorker } = navigator;
  serviceWorker.register('./serviceWorker.js').catch(() => undefined);
  if (crossOriginIsolated || serviceWorker.controller) return;
  serviceWorker.addEventListener('controllerchange', () => location.reload(), { once: true });
}
