/** A series with one sample, as Prometheus' remote write takes it. */
export interface WrittenSeries {
  /** Sorted by name, `__name__` included. */
  labels: readonly (readonly [name: string, value: string])[];
  /** `stale`: from that moment on it has no value, as if it were no longer scraped. */
  value: number | 'stale';
  atMs: number;
}

const SERIES_AT_ONCE = 5_000;
/** The one NaN of them all by which Prometheus knows it. */
const STALE = 0x7ff0000000000002n;

/** Puts samples into the head of a Prometheus started with `--web.enable-remote-write-receiver`. */
export async function remoteWrite(url: string, series: readonly WrittenSeries[]): Promise<void> {
  for (let start = 0; start < series.length; start += SERIES_AT_ONCE) {
    const body = snappy(
      Buffer.concat(series.slice(start, start + SERIES_AT_ONCE).map((one) => message(1, timeSeries(one)))),
    );
    const response = await fetch(`${url}/api/v1/write`, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-protobuf',
        'content-encoding': 'snappy',
        'x-prometheus-remote-write-version': '0.1.0',
      },
      body: new Uint8Array(body),
    });
    if (!response.ok) throw new Error(`remote write: ${response.status} ${await response.text()}`);
  }
}

function timeSeries({ labels, value, atMs }: WrittenSeries): Buffer {
  const sample = Buffer.alloc(9);
  sample.writeUInt8((1 << 3) | 1, 0);
  if (value === 'stale') sample.writeBigUInt64LE(STALE, 1);
  else sample.writeDoubleLE(value, 1);
  const at = Buffer.concat([Buffer.from([2 << 3]), varint(BigInt(atMs))]);
  const named = labels.map(([name, text]) =>
    message(1, Buffer.concat([message(1, Buffer.from(name)), message(2, Buffer.from(text))])),
  );
  return Buffer.concat([...named, message(2, Buffer.concat([sample, at]))]);
}

/** A field of Protocol Buffers that has a length. */
function message(field: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.from([(field << 3) | 2]), varint(BigInt(content.length)), content]);
}

function varint(number: bigint): Buffer {
  const bytes: number[] = [];
  for (let rest = number; ; rest >>= 7n) {
    if (rest < 128n) return Buffer.from([...bytes, Number(rest)]);
    bytes.push(Number(rest & 127n) | 128);
  }
}

const LITERAL = 60_000;
/** Tag of a literal whose length (less one) follows in two bytes. */
const LONG_LITERAL = 61 << 2;

/** Snappy's block format, without compressing anything: literals alone are valid. */
function snappy(content: Buffer): Buffer {
  const pieces = [varint(BigInt(content.length))];
  for (let start = 0; start < content.length; start += LITERAL) {
    const literal = content.subarray(start, start + LITERAL);
    const head = Buffer.alloc(3);
    head.writeUInt8(LONG_LITERAL, 0);
    head.writeUInt16LE(literal.length - 1, 1);
    pieces.push(head, literal);
  }
  return Buffer.concat(pieces);
}
