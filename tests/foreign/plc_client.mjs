// A PLC that is a client of the line's server, of another make: triggers parts and prints what it was told as JSON.
// node plc_client.mjs MODULES '{"url": …, "parts": 3, "subscribed": false, "certificate": …, "key": …, "uri": …, "pki": …,
//                               "policy": …, "mode": …, "user": …, "password": …, "line": "line.der"}'
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const [modules, text] = process.argv.slice(2);
const {
  AttributeIds, ClientSubscription, DataType, MessageSecurityMode, OPCUACertificateManager, OPCUAClient, SecurityPolicy,
  TimestampsToReturn, UserTokenType, ClientMonitoredItemGroup,
} = createRequire(`${modules}/`)("node-opcua");
const wanted = JSON.parse(text);
const TYPES = { Trigger: "Boolean", ResultAck: "Boolean", SeqNo: "UInt32", PartId: "String", HbPlc: "UInt16", Ready: "Boolean" };
const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

async function connected() {
  const options = { endpointMustExist: false, connectionStrategy: { maxRetry: 0, initialDelay: 100 } };
  if (wanted.certificate) {
    const manager = new OPCUACertificateManager({ automaticallyAcceptUnknownCertificate: false, rootFolder: wanted.pki });
    await manager.initialize();
    await manager.trustCertificate(readFileSync(wanted.line));
    Object.assign(options, {
      applicationUri: wanted.uri,
      certificateFile: wanted.certificate,
      privateKeyFile: wanted.key,
      clientCertificateManager: manager,
      securityMode: MessageSecurityMode[wanted.mode],
      securityPolicy: SecurityPolicy[wanted.policy],
    });
  }
  const client = OPCUAClient.create(options);
  await client.connect(wanted.url);
  return client;
}

async function main() {
  const client = await connected();
  const session = await client.createSession(wanted.user
    ? { type: UserTokenType.UserName, userName: wanted.user, password: wanted.password }
    : { type: UserTokenType.Anonymous });
  const space = (await session.readNamespaceArray()).indexOf("urn:line-inspector:plc");
  const node = (name) => `ns=${space};s=Handshake.${name}`;
  const read = async (name) => (await session.read({ nodeId: node(name), attributeId: AttributeIds.Value })).value.value;
  const write = async (name, value) => session.write({
    nodeId: node(name), attributeId: AttributeIds.Value, value: { value: { dataType: DataType[TYPES[name]], value } },
  });
  const put = async (name, value) => {
    const status = await write(name, value);
    if (!status.isGood()) throw new Error(`${name}: ${status.name}`);
  };
  const heard = {};
  if (wanted.subscribed) {
    const subscription = ClientSubscription.create(session, { requestedPublishingInterval: 10, publishingEnabled: true });
    const names = ["Ready", "ResultValid"];
    const items = ClientMonitoredItemGroup.create(
      subscription,
      names.map((name) => ({ nodeId: node(name), attributeId: AttributeIds.Value })),
      { samplingInterval: 5, queueSize: 10, discardOldest: true },
      TimestampsToReturn.Both,
    );
    items.on("changed", (_item, value, index) => { heard[names[index]] = value.value.value; });
  }
  const holds = async (name, value) => {
    while ((wanted.subscribed ? heard[name] : await read(name)) !== value) await pause(5);
  };
  let beat = 0;
  let beating = Promise.resolve();
  const heart = setInterval(() => { beating = write("HbPlc", (beat = (beat + 1) % 32768)).catch(() => {}); }, 50);
  const results = [];
  for (let sequence = 1; sequence <= wanted.parts; sequence += 1) {
    await holds("Ready", true);
    await put("PartId", `P${sequence}`);
    await put("SeqNo", sequence);
    await put("Trigger", true);
    await holds("ResultValid", true);
    results.push([await read("ResSeqNo"), await read("Verdict"), await read("FaultCode")]);
    await put("Trigger", false);
    await put("ResultAck", true);
    await holds("ResultValid", false);
    await put("ResultAck", false);
  }
  const refused = (await write("Ready", true)).name;
  clearInterval(heart);
  await beating;
  await session.close();
  await client.disconnect();
  return { results, refused };
}

main().then(
  (told) => { console.log(JSON.stringify(told)); process.exit(0); },
  (error) => { console.log(JSON.stringify({ error: error.message })); process.exit(1); },
);
