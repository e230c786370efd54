// Wraps so many documents of OpenAttestation's version 2 as one batch, and tells how long it took, in seconds.
const { wrapDocuments } = require("@govtechsg/open-attestation");
const { createHash } = require("node:crypto");

function document(number) {
  return {
    issuers: [
      {
        name: "Iizuka",
        documentStore: "0x0000000000000000000000000000000000000001",
        identityProof: { type: "DNS-TXT", location: "iizuka.example" },
      },
    ],
    type: "income",
    issueDate: "2026-04-01",
    mediaType: "application/pdf",
    sha256: createHash("sha256").update(String(number)).digest("hex"),
    size: 1000 + number,
    reference: `R-2026-${number}`,
  };
}

const count = Number(process.argv[2]);
const documents = Array.from({ length: count }, (_, number) => document(number));
const begun = process.hrtime.bigint();
const wrapped = wrapDocuments(documents);
const seconds = Number(process.hrtime.bigint() - begun) / 1e9;
const { merkleRoot } = wrapped[0].signature;
if (wrapped.length !== count || wrapped.some((one) => one.signature.merkleRoot !== merkleRoot)) {
  throw new Error("not one batch");
}
console.log(JSON.stringify({ count, seconds, cpuSeconds: process.cpuUsage().user / 1e6 }));
