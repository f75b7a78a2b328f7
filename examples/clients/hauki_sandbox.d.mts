/** A refusal. `code` is a public word ("worker_failed", "deadline", "memory", …); `data` says more. */
export class HaukiError extends Error {
  readonly name: "HaukiError";
  readonly code: string;
  readonly data: Record<string, unknown>;
  constructor(code: string, message: string, data?: Record<string, unknown>);
}

/** Why a program has no result. The place is the author's. */
export interface Failure {
  code: string;
  message: string;
  retryable: boolean;
  file?: string;
  line?: number;
  column?: number;
  stack?: string;
}

/** What a program came to. */
export interface Result<T = unknown> {
  /** Undefined where the program has no result. */
  value: T;
  /** What it printed, in lines. */
  stdout: string;
  /** The failure as a person reads it. */
  stderr: string;
  error: Failure | null;
  /** Whether earlier lines are missing in `stdout`. */
  truncated: boolean;
  ms: number;
}

export type Language = "js" | "ts";

export interface CallOptions {
  /** Gives the call up, which stops it in its sandbox. */
  signal?: AbortSignal;
  timeoutMs?: number;
  /** Hears lines as they come. */
  onLine?: (line: string) => void;
}

export interface RunOptions extends CallOptions {
  args?: readonly string[];
  language?: Language;
  /** For example "16MiB". */
  memory?: string;
}

interface CreateBase {
  language?: Language;
  /** Small letters, digits and dashes. */
  name?: string;
  /** The arguments of its create(). */
  args?: readonly unknown[];
  memory?: string;
  signal?: AbortSignal;
}

export type CreateOptions = CreateBase &
  (
    | { source: string; file?: undefined; gem?: undefined }
    | { file: string; source?: undefined; gem?: undefined }
    | { gem: string; source?: undefined; file?: undefined }
  );

export interface WorkerOwn {
  readonly $name: string;
  readonly $vault: string;
  readonly $methods: readonly string[];
  $call<T = unknown>(method: string, args?: readonly unknown[], options?: CallOptions): Promise<T>;
  $destruct(): Promise<void>;
}

/** The methods of a worker as its author wrote them, each as a promise. */
export type Remote<T> = {
  [K in keyof T]: T[K] extends (...args: infer A) => infer R ? (...args: A) => Promise<Awaited<R>> : never;
};

export type AnyMethods = Record<string, (...args: any[]) => any>;

export type Worker<T = AnyMethods> = WorkerOwn & Remote<T>;

export interface Sandbox {
  run<T = any>(code: string, options?: RunOptions): Promise<Result<T>>;
  create<T = AnyMethods>(options: CreateOptions): Promise<Worker<T>>;
  /** Ends all that was made. */
  close(): Promise<void>;
}

export interface SandboxOptions {
  /** The command. */
  hauki?: string;
  /** The most of each sandbox, for example "16MiB". */
  memory?: string;
  maxWorkers?: number;
  /** Where all of them may fetch from, for example "GET https://api.example.com/v1/". */
  allowNet?: readonly string[];
  /** More arguments of `hauki mcp`. */
  words?: readonly string[];
}

/** Starts `hauki mcp`. */
export function sandbox(options?: SandboxOptions): Promise<Sandbox>;
