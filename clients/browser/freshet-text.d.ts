/** Whose events an answer consists of; `text` is for a stream whose events are its text. */
export type Provider = 'text' | 'openai' | 'responses' | 'anthropic' | 'gemini' | 'ollama';

/** A call of a tool, as far as it has arrived. */
export interface Tool {
  readonly id: string | undefined;
  readonly name: string | undefined;
  /** The JSON of its arguments, as text. */
  readonly text: string;
  /**
   * Its arguments so far; undefined before there are any. Nothing in them is ever taken back: a number is there once what follows it has
   * arrived, a literal when it is whole, a key with its value. Objects have no prototype.
   */
  readonly value: unknown;
  /** Whether all of it has arrived. Call nothing with arguments that are not complete. */
  readonly isComplete: boolean;
  /** What is wrong with its JSON, if anything. */
  readonly error: SyntaxError | null;
}

export interface TextOptions {
  /** Called with each call of a tool, whenever more of it has arrived. */
  onTool?: (tool: Tool) => void;
  /** Called with the text of each block that is complete, for a screen reader. */
  onBlock?: (text: string) => void;
  /** Called after each drawing. */
  onDraw?: () => void;
  /** Called with what the button of a block of code did. */
  announce?: (text: string) => void;
  /** Runs a function before the next paint; `requestAnimationFrame` unless said otherwise. */
  frame?: (draw: () => void) => void;
}

/** An answer that is shown while it is written. */
export interface Answer {
  /** All its text so far, as Markdown. */
  readonly text: string;
  readonly tools: readonly Tool[];
  /** What the provider said went wrong, if it did. */
  readonly error: string | null;
  /** Shows all that a source reads from now on. */
  from(source: EventTarget): this;
  /** Takes one event; `gap` begins anew, and `end` finishes. `data` may be parsed already, such as a line of NDJSON. */
  readonly take: (event: { type?: string; data: unknown }) => void;
  /** Adds text. */
  write(text: string): void;
  /** Draws now what waits for the next frame. */
  draw(): void;
  /** The answer is complete: nothing is held back any longer. */
  finish(): void;
  /** Forgets everything, to be written anew. */
  clear(): void;
}

/**
 * Shows an answer of a language model in an element while it arrives, as Markdown.
 *
 *     text(document.querySelector('#answer'), 'openai').from(new FreshetSource('/v1/stream/answer'));
 *
 * Text is only ever put into text nodes: nothing that arrives can become markup. A token costs the same however long the
 * answer is.
 */
export function text(node: Element, provider?: Provider, options?: TextOptions): Answer;

/** A JSON value as far as it has arrived (RFC 8259, without duplicate keys and halves of characters). */
export class PartialJSON {
  /** The best value so far, whose parts grow in place; undefined before there is one. Objects have no prototype. */
  readonly value: unknown;
  readonly isComplete: boolean;
  /** Takes more of the text, and returns it laid out in lines. Throws a `SyntaxError`; `value` is then what was right before. */
  parse(text: string): string;
  /** The whole value; throws a `SyntaxError` if it is not there. */
  finish(): unknown;
}
