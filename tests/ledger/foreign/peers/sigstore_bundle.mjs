// Verify a Sigstore bundle with @sigstore/verify: NODE_MODULES KEY.pem BUNDLE
import { createHash, createPublicKey } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const [modules, pem, file] = process.argv.slice(2);
const require = createRequire(modules + "/");
const { bundleFromJSON } = require("@sigstore/bundle");
const { toSignedEntity, toTrustMaterial, Verifier } = require("@sigstore/verify");

const key = readFileSync(pem);
const hint = createHash("sha256").update(key).digest("hex");
const root = { certificateAuthorities: [], timestampAuthorities: [], tlogs: [], ctlogs: [] };
const trust = toTrustMaterial(root, (wanted) => {
  if (wanted !== hint) throw new Error(`the bundle is of another key: ${wanted}`);
  return { publicKey: createPublicKey(key), validFor: () => true };
});
const verifier = new Verifier(trust, { ctlogThreshold: 0, tlogThreshold: 0, timestampThreshold: 0 });
verifier.verify(toSignedEntity(bundleFromJSON(JSON.parse(readFileSync(file, "utf-8")))));
console.log("verified");
