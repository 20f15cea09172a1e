// Keeps the site in the browser, so that it works without a network, and gives its answers the headers that threads need, which
// static hosts do not send. A script of its own, beside the page.

/** What the build puts in: the files that are kept, and a name that changes with them. */
declare const __SITE__: { readonly version: string; readonly files: readonly string[] };

/** What of a service worker's world is used here; the library of the page does not have it. */
interface World {
  readonly location: Location;
  readonly clients: { claim(): Promise<void> };
  skipWaiting(): Promise<void>;
  addEventListener(
    type: 'install' | 'activate',
    listener: (event: { waitUntil(work: Promise<unknown>): void }) => void,
  ): void;
  addEventListener(
    type: 'fetch',
    listener: (event: { readonly request: Request; respondWith(response: Promise<Response>): void }) => void,
  ): void;
}

const world = globalThis as unknown as World;
const { version, files } = __SITE__;
const prefix = 'sympow-playground-';
const headersOfThreads = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
};

world.addEventListener('install', (event) => {
  const filled = caches.open(version).then((cache) => cache.addAll([...files]));
  event.waitUntil(filled.then(() => world.skipWaiting()));
});

world.addEventListener('activate', (event) => {
  const old = (name: string) => name.startsWith(prefix) && name !== version;
  const swept = caches.keys().then((names) => Promise.all(names.filter(old).map((name) => caches.delete(name))));
  event.waitUntil(swept.then(() => world.clients.claim()));
});

world.addEventListener('fetch', (event) => {
  const { request } = event;
  if (request.method !== 'GET' || new URL(request.url).origin !== world.location.origin) return;
  event.respondWith(answer(request).then(withHeaders));
});

/** Pages from the network where there is one, so that a new version is seen; all else has a name that changes with it. */
async function answer(request: Request): Promise<Response> {
  const cache = await caches.open(version);
  // The files are the same whoever asks, whatever `Vary` says.
  const kept = () => cache.match(request.mode === 'navigate' ? './' : request, { ignoreVary: true });
  if (request.mode === 'navigate') return fetch(request).catch(async () => (await kept()) ?? Response.error());
  const known = await kept();
  if (known) return known;
  const response = await fetch(request);
  if (response.ok) await cache.put(request, response.clone());
  return response;
}

function withHeaders(response: Response): Response {
  if (response.type === 'error' || response.type === 'opaqueredirect') return response;
  const { status, statusText, body } = response;
  const headers = new Headers(response.headers);
  for (const [name, value] of Object.entries(headersOfThreads)) headers.set(name, value);
  return new Response(body, { status, statusText, headers });
}
