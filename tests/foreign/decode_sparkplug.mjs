// Decodes Sparkplug B payloads with somebody else's code: one in hexadecimal a line in, one in JSON a line out.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const { get } = createRequire(`${process.argv[2]}/`)("sparkplug-payload");
const { decodePayload } = get("spBv1.0");
const plain = (_key, value) => (value && value.low !== undefined ? Number(value.toString()) : value);
for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(decodePayload(Buffer.from(line, "hex")), plain));
}
