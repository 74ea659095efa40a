import winston from 'winston';

/** Fields of a log line. */
export type LogFields = Record<string, unknown>;

/**
 * Writes log lines: a constant message with fields. The level `error` means that a person must act, `warn` that the
 * service recovers by itself, `info` a transition or a life-cycle event, `debug` a single evaluation.
 */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  child(fields: LogFields): Logger;
}

/** API keys, signing secrets, secrets of sessions, Keystone tokens, passwords in URLs. */
const SECRET_SHAPES = [
  /ak_[a-z2-7]{12}_[\w-]{20,}/gi,
  /whsec_[A-Za-z0-9+/=]{16,}/g,
  /ses_[\w-]{43}/g,
  /gAAAA[\w-]{20,}=*/g,
  /\/\/[^/\s"@:]*:[^/\s"@]*@/g,
];

/** A logger that writes JSON lines to standard error, since commands print their results to standard output. */
export function createLogger(level: string): Logger {
  const { combine, timestamp, json } = winston.format;
  const root = winston.createLogger({
    level,
    format: combine(timestamp(), errorsAsFields(), json(), withoutSecrets()),
    transports: [new winston.transports.Console({ stderrLevels: ['error', 'warn', 'info', 'debug'] })],
  });
  return wrap(root);
}

/** Discards all log lines. */
export const silentLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silentLogger,
};

function wrap(logger: winston.Logger): Logger {
  return {
    debug: (message, fields) => void logger.debug(message, fields),
    info: (message, fields) => void logger.info(message, fields),
    warn: (message, fields) => void logger.warn(message, fields),
    error: (message, fields) => void logger.error(message, fields),
    child: (fields) => wrap(logger.child(fields)),
  };
}

const errorsAsFields = winston.format((info) => {
  if (info['err'] instanceof Error) info['err'] = describe(info['err']);
  return info;
});

/** The last filter before a line is written. */
const withoutSecrets = winston.format((info) => {
  const line = Symbol.for('message');
  info[line] = maskSecrets(String(info[line]));
  return info;
});

/** Masks text that has the form of a known kind of secret. */
export function maskSecrets(text: string): string {
  return SECRET_SHAPES.reduce((masked, shape) => masked.replace(shape, '***'), text);
}

function describe(error: Error): LogFields {
  const cause = error.cause instanceof Error ? { cause: describe(error.cause) } : {};
  return { message: error.message, stack: error.stack, ...cause };
}
