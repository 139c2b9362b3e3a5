// A client of another make at the line's machine vision server: does what each JSON line on stdin says, answers in one.
// Events come as lines of their own. node vision_client.mjs FOLDER-WITH-node_modules
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const [modules] = process.argv.slice(2);
const opcua = createRequire(`${modules}/`)("node-opcua");
const { AttributeIds, DataType, MessageSecurityMode, SecurityPolicy, TimestampsToReturn, UserTokenType, Variant } = opcua;
const OURS = "urn:line-inspector:plc", STANDARD = "http://opcfoundation.org/UA/MachineVision";
const REGISTERS = { Trigger: "Boolean", PartId: "String", SeqNo: "UInt32", RecipeId: "UInt16", ResultAck: "Boolean", Reset: "Boolean", HbPlc: "UInt16" };
let client, session, heart, beats = 0, spaces = [];

const say = (what) => process.stdout.write(`${JSON.stringify(what, plain)}\n`);
const plain = (key, value) => (value && value.type === "Buffer" ? Buffer.from(value.data).toString("hex") : value);
const space = (uri) => spaces.indexOf(uri);
/** "VisionSystem.X" is ours, 1024 the standard's, anything with "=" stands as it is. */
const id = (node) => (typeof node === "number" ? `ns=${space(STANDARD)};i=${node}` : node.includes("=") ? node : `ns=${space(OURS)};s=${node}`);
const tidy = (value) => {
  if (value === null || value === undefined) return null;
  if (Array.isArray(value) || ArrayBuffer.isView(value) && !Buffer.isBuffer(value)) return Array.from(value, tidy);
  if (value instanceof Variant) return tidy(value.value);
  if (Buffer.isBuffer(value)) return value.toString("hex");
  if (value instanceof Date) return value.toISOString();
  if (value instanceof opcua.NodeId) return value.toString();
  if (value instanceof opcua.LocalizedText) return value.text;
  if (value instanceof opcua.StatusCode) return value.name;
  if (typeof value === "object") {
    const names = value.schema ? value.schema.fields.map((field) => field.name) : Object.keys(value);
    const bases = value.schema && value.schema.getBaseSchema ? value.schema.getBaseSchema() : null;
    const all = bases ? [...bases.fields.map((field) => field.name), ...names] : names;
    return Object.fromEntries(all.filter((name) => value[name] !== undefined).map((name) => [name, tidy(value[name])]));
  }
  return value;
};
const argument = async (given) => {
  if (given.structure) {
    const value = await session.constructExtensionObject(opcua.coerceNodeId(id(given.structure)), given.fields || {});
    return new Variant({ dataType: DataType.ExtensionObject, value });
  }
  return new Variant({
    dataType: DataType[given.type], value: given.value,
    arrayType: given.array ? opcua.VariantArrayType.Array : opcua.VariantArrayType.Scalar,
  });
};

const doing = {
  async connect({ url, certificate, key, uri, pki, mode, policy, user, password }) {
    const options = { endpointMustExist: false, connectionStrategy: { maxRetry: 0, initialDelay: 100 }, transportTimeout: 30000 };
    if (certificate) {
      const manager = new opcua.OPCUACertificateManager({ automaticallyAcceptUnknownCertificate: true, rootFolder: pki });
      await manager.initialize();
      Object.assign(options, {
        applicationUri: uri, certificateFile: certificate, privateKeyFile: key, clientCertificateManager: manager,
        securityMode: MessageSecurityMode[mode || "SignAndEncrypt"], securityPolicy: SecurityPolicy[policy || "Basic256Sha256"],
      });
    }
    const made = opcua.OPCUAClient.create(options);
    try {
      await made.connect(url);
      const login = user ? { type: UserTokenType.UserName, userName: user, password } : { type: UserTokenType.Anonymous };
      session = await made.createSession(login);
    } catch (error) {
      await made.disconnect().catch(() => {});
      throw error;
    }
    client = made;
    spaces = await session.readNamespaceArray();
    return { spaces };
  },
  async disconnect() {
    clearInterval(heart);
    await session.close();
    await client.disconnect();
    return {};
  },
  async read({ nodes, attribute }) {
    const values = await session.read(nodes.map((node) => ({ nodeId: id(node), attributeId: AttributeIds[attribute || "Value"] })));
    return { values: values.map((each) => [each.statusCode.name, tidy(each.value && each.value.value)]) };
  },
  async names({ nodes }) {
    const values = await session.read(nodes.map((node) => ({ nodeId: id(node), attributeId: AttributeIds.BrowseName })));
    return { names: values.map((each) => (each.value.value ? [each.value.value.namespaceIndex, each.value.value.name] : null)) };
  },
  async write({ node, type, value }) {
    const status = await session.write({ nodeId: id(node), attributeId: AttributeIds.Value, value: { value: { dataType: DataType[type], value } } });
    return { status: status.name };
  },
  /** Write registers of the handshake, in one request and this order. */
  async put({ values }) {
    const wanted = Object.entries(values).map(([name, value]) => ({
      nodeId: id(`Handshake.${name}`), attributeId: AttributeIds.Value, value: { value: { dataType: DataType[REGISTERS[name]], value } },
    }));
    const statuses = await session.write(wanted);
    return { statuses: statuses.map((each) => each.name) };
  },
  /** Read registers until they hold these values; give up after a while and say what they hold. */
  async holds({ values, within }) {
    const names = Object.keys(values), end = Date.now() + (within || 30000);
    for (;;) {
      const found = await session.read(names.map((name) => ({ nodeId: id(`Handshake.${name}`), attributeId: AttributeIds.Value })));
      const held = Object.fromEntries(names.map((name, at) => [name, tidy(found[at].value.value)]));
      if (names.every((name) => held[name] === values[name])) return { held };
      if (Date.now() > end) return { error: "not in time", held };
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  },
  async beat({ ms }) {
    clearInterval(heart);
    if (ms) heart = setInterval(() => doing.put({ values: { HbPlc: (beats = (beats + 1) % 32768) } }).catch(() => {}), ms);
    return {};
  },
  async browse({ node }) {
    const found = await session.browse({ nodeId: id(node), browseDirection: opcua.BrowseDirection.Forward, resultMask: 63 });
    return {
      references: found.references.map((each) => ({
        by: each.referenceTypeId.toString(), name: each.browseName.name, space: each.browseName.namespaceIndex,
        node: each.nodeId.toString(), kind: opcua.NodeClass[each.nodeClass], type: each.typeDefinition.toString(),
      })),
    };
  },
  async call({ object, method, args }) {
    const inputArguments = [];
    for (const each of args || []) inputArguments.push(await argument(each));
    const result = await session.call({ objectId: id(object), methodId: id(method), inputArguments });
    return {
      status: result.statusCode.name, inputs: (result.inputArgumentResults || []).map((each) => each.name),
      outputs: (result.outputArguments || []).map((each) => tidy(each.value)),
    };
  },
  async listen({ nodes, fields, of }) {
    const subscription = await session.createSubscription2({
      requestedPublishingInterval: 20, requestedLifetimeCount: 6000, requestedMaxKeepAliveCount: 20, publishingEnabled: true,
    });
    const filter = opcua.constructEventFilter(fields, of ? opcua.ofType(opcua.coerceNodeId(id(of))) : undefined);
    for (const node of nodes) {
      const item = await subscription.monitor(
        { nodeId: id(node), attributeId: AttributeIds.EventNotifier },
        { samplingInterval: 0, queueSize: 1000, discardOldest: false, filter }, TimestampsToReturn.Both);
      item.on("changed", (values) => {
        const told = Object.fromEntries(fields.map((name, at) => [name, tidy(values[at])]));
        const types = Object.fromEntries(fields.map((name, at) => [name, DataType[values[at].dataType]]));
        say({ event: told, types, from: node });
      });
    }
    return {};
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const wanted = JSON.parse(line);
  try {
    say({ answer: await doing[wanted.do](wanted) });
  } catch (error) {
    say({ answer: { error: error.message } });
  }
}
process.exit(0);
