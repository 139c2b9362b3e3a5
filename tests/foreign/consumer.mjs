// A consumer that shares no code with the product: takes results in order, acknowledges, prints each as JSON.
import { createRequire } from "node:module";

const [modules, url, topic, ackTopic, username, password, count] = process.argv.slice(2);
const mqtt = createRequire(`${modules}/`)("mqtt");
const client = mqtt.connect(url, {
  protocolVersion: 5, clientId: "foreign-mes", clean: false, username, password,
  properties: { sessionExpiryInterval: 3600 },
});
const known = new Set();
let last = 0;
client.on("connect", () => client.subscribe(topic, { qos: 1 }, () => console.log("ready")));
client.on("message", (_topic, payload) => {
  const message = JSON.parse(payload.toString("utf8"));
  if (!known.has(message.msg_id)) {
    if (message.seq > Math.max(last + 1, message.oldest_seq)) return;
    known.add(message.msg_id);
    last = message.seq;
    console.log(JSON.stringify(message));
  }
  client.publish(ackTopic, JSON.stringify({ upto: last }), { qos: 1 }, () => {
    if (known.size >= Number(count)) client.end(false, {}, () => process.exit(0));
  });
});
