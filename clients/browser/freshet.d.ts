/** What `new FreshetSource(url, options)` may be told. */
export interface FreshetSourceOptions {
  /** Send cookies to another origin, as for `EventSource`. */
  withCredentials?: boolean;
  /** Header fields of every request, or a function that makes them anew for each. */
  headers?: HeadersInit | (() => HeadersInit | Promise<HeadersInit>);
  /** Makes a bearer token. It is called again after 401, and when the server says that the token has expired, or gives less than it did. */
  token?: () => string | Promise<string>;
  /** `GET` unless said otherwise. A response whose `Location` is of the same origin is read from there. */
  method?: string;
  /** The body of a request that is not a `GET`. */
  body?: BodyInit;
  /** Send a request that is not a `GET` again when its response broke off; without it that is final. */
  repeat?: boolean;
  /** Read what is strictly later than this event. */
  lastEventId?: string;
  /**
   * Milliseconds after which the server sends something in any case, 10,000 unless said otherwise. A connection that is silent for
   * two and a half of these is made anew, if comments have shown that the server sends them at all.
   */
  heartbeat?: number;
  /**
   * Whether tabs that read the same URL with the same cookies share one connection: true unless there are `headers` or a
   * `token`. A string shares with them too, among those that say the same string.
   */
  share?: boolean | string;
}

export interface FreshetSourceEventMap {
  open: Event;
  message: MessageEvent<string>;
  /** An attempt failed; with `readyState` 2 it was the last. */
  error: Event & {
    /** The status of the response, 0 if there was none. */
    readonly status: number;
    /** What the server said was wrong (RFC 9457), if it did. */
    readonly problem: { type?: string; title?: string; detail?: string } | null;
  };
  /** The stream has ended, and nothing more is read. */
  end: MessageEvent<string> & { readonly detail: { reason: string; detail?: string } };
  /** Discard what you hold: what follows does not continue it. */
  gap: MessageEvent<string> & { readonly detail: { requested: string; resumed: string } };
  /** First in a read from `now`. */
  start: MessageEvent<string> & { readonly detail: { offset: string } };
  /** The server asks to come back later, which happens by itself. */
  reconnect: MessageEvent<string> & { readonly detail: { why: string } };
}

/**
 * An `EventSource` that comes back after whatever happened, where it was, until the stream has ended.
 *
 *     const source = new FreshetSource('/v1/stream/answer');
 *     source.onmessage = ({ data }) => show(data);
 *     source.addEventListener('end', ({ detail }) => finish(detail.reason));
 *
 * or
 *
 *     for await (const { type, data } of new FreshetSource('/v1/stream/answer')) …
 *
 * Responses of 408, 425, 429, 500, 502, 503, 504 and lost connections are followed by another attempt, after a pause that grows
 * to 15 s; every other refusal is final. Over HTTP/1.1 the tabs of a browser hold four connections to an origin at most:
 * further streams are read every 2 s, in hidden tabs every 15 s.
 */
export class FreshetSource extends EventTarget {
  static readonly CONNECTING: 0;
  static readonly OPEN: 1;
  static readonly CLOSED: 2;

  constructor(url: string | URL, options?: FreshetSourceOptions);

  readonly CONNECTING: 0;
  readonly OPEN: 1;
  readonly CLOSED: 2;
  readonly url: string;
  readonly withCredentials: boolean;
  readonly readyState: 0 | 1 | 2;
  /** The position that it would come back with. */
  readonly lastEventId: string;
  /** How it reads: over a connection of its own, by way of another tab, or by polls; empty before it does. */
  readonly via: '' | 'connection' | 'tab' | 'polls';

  // Read as `EventSource` has them, so that a `FreshetSource` is one for all who take one.
  get onopen(): ((event: Event) => unknown) | null;
  set onopen(handler: ((this: FreshetSource, event: Event) => unknown) | null);
  get onmessage(): ((event: MessageEvent<string>) => unknown) | null;
  set onmessage(handler: ((this: FreshetSource, event: MessageEvent<string>) => unknown) | null);
  get onerror(): ((event: Event) => unknown) | null;
  set onerror(handler: ((this: FreshetSource, event: FreshetSourceEventMap['error']) => unknown) | null);

  /** Stops reading. The stream goes on. */
  close(): void;
  /** Asks the stream to stop, for everybody; its `end` says that it did. Returns the status of the response. */
  cancel(): Promise<number>;
  /** All events, `end` as the last. Leaving the loop closes the source; an error that is final is thrown. */
  [Symbol.asyncIterator](): AsyncGenerator<MessageEvent<string> & { readonly detail?: unknown }, void, undefined>;

  addEventListener<Type extends keyof FreshetSourceEventMap>(
    type: Type,
    listener: (this: FreshetSource, event: FreshetSourceEventMap[Type]) => unknown,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(
    type: string,
    listener: (this: FreshetSource, event: MessageEvent<string>) => unknown,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(type: string, listener: EventListenerOrEventListenerObject, options?: boolean | AddEventListenerOptions): void;
  removeEventListener<Type extends keyof FreshetSourceEventMap>(
    type: Type,
    listener: (this: FreshetSource, event: FreshetSourceEventMap[Type]) => unknown,
    options?: boolean | EventListenerOptions,
  ): void;
  removeEventListener(
    type: string,
    listener: (this: FreshetSource, event: MessageEvent<string>) => unknown,
    options?: boolean | EventListenerOptions,
  ): void;
  removeEventListener(type: string, listener: EventListenerOrEventListenerObject, options?: boolean | EventListenerOptions): void;
}

/**
 * Takes connections to an origin from the streams that this browser reads, for requests of the page's own, until the function
 * that it returns is called.
 */
export function reserve(count: number, origin?: string): Promise<() => void>;
