// A PLC that is an OPC UA server of another make: offers the registers, triggers parts, prints what it was told as JSON.
// node plc_server.mjs MODULES '{"port": 4840, "parts": 3, "pki": "folder", "trusted": ["line.der"], "narrow": false}'
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const [modules, text] = process.argv.slice(2);
const {
  DataType, MessageSecurityMode, OPCUACertificateManager, OPCUAServer, SecurityPolicy, StatusCodes, UserTokenType, Variant,
} = createRequire(`${modules}/`)("node-opcua");
const wanted = JSON.parse(text);

const NUMBER = wanted.narrow ? "Int16" : "UInt16";
const MINE = {
  Trigger: "Boolean", PartId: "String", SeqNo: "UInt32", RecipeId: NUMBER, ResultAck: "Boolean", Reset: "Boolean", HbPlc: NUMBER,
};
const THEIRS = {
  Ready: "Boolean", TriggerAck: "Boolean", Busy: "Boolean", ResultValid: "Boolean", ResSeqNo: "UInt32", ResultId: "String",
  Verdict: NUMBER, DefectCode: NUMBER, Disposition: NUMBER, Fault: "Boolean", FaultCode: NUMBER, HbVision: NUMBER,
  RecipeActive: NUMBER,
};
const EMPTY = { Boolean: false, String: "" };
const values = {};
const complete = [];

function offer(addressSpace) {
  const space = addressSpace.registerNamespace("urn:another:plc");
  const parent = space.addObject({ organizedBy: addressSpace.rootFolder.objects, browseName: "Station1" });
  for (const [name, type] of Object.entries({ ...MINE, ...THEIRS })) {
    values[name] = EMPTY[type] ?? 0;
    const access = name in THEIRS ? "CurrentRead | CurrentWrite" : "CurrentRead";
    space.addVariable({
      componentOf: parent, browseName: name, nodeId: `s=Station1.${name}`, dataType: type,
      minimumSamplingInterval: 5, accessLevel: access, userAccessLevel: access,
      value: {
        get: () => new Variant({ dataType: DataType[type], value: values[name] }),
        set: (variant) => {
          if (name === "ResultValid" && variant.value) complete.push([values.ResSeqNo, values.Verdict]);
          values[name] = variant.value;
          return StatusCodes.Good;
        },
      },
    });
  }
}

const manager = new OPCUACertificateManager({ automaticallyAcceptUnknownCertificate: false, rootFolder: wanted.pki });
await manager.initialize();
for (const file of wanted.trusted) await manager.trustCertificate(readFileSync(file));
const server = new OPCUAServer({
  port: wanted.port,
  hostname: "127.0.0.1",
  serverCertificateManager: manager,
  securityModes: [MessageSecurityMode.None, MessageSecurityMode.Sign, MessageSecurityMode.SignAndEncrypt],
  securityPolicies: [SecurityPolicy.None, SecurityPolicy.Basic256Sha256, SecurityPolicy.Aes256_Sha256_RsaPss],
  allowAnonymous: true,
  userManager: { isValidUser: (name, password) => name === "line" && password === "right" },
});
await server.initialize();
offer(server.engine.addressSpace);
await server.start();
console.log(JSON.stringify({ ready: true }));

setInterval(() => { values.HbPlc = (values.HbPlc + 1) % 32768; }, 50);
const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });
const holds = async (name, value) => { while (values[name] !== value) await pause(2); };
const results = [];
for (let sequence = 1; sequence <= wanted.parts; sequence += 1) {
  await holds("Ready", true);
  Object.assign(values, { PartId: `P${sequence}`, SeqNo: sequence, RecipeId: 7 });
  values.Trigger = true;
  await holds("ResultValid", true);
  results.push([values.ResSeqNo, values.Verdict, values.FaultCode]);
  values.Trigger = false;
  values.ResultAck = true;
  await holds("ResultValid", false);
  values.ResultAck = false;
}
await holds("Ready", true);
console.log(JSON.stringify({ results, complete, active: values.RecipeActive, types: [typeof values.ResultId, values.HbVision > 0] }));
await server.shutdown(0);
process.exit(0);
