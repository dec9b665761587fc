// AWS's JavaScript clients of both generations, as call(operation, input).
"use strict";
const endpoint = process.env.ASSAY_ENDPOINT;
const region = process.env.AWS_REGION;

exports.client = function (generation, service) {
  if (generation === "v2") {
    const AWS = require("aws-sdk");
    const c = new AWS[service]({ endpoint, region, maxRetries: 0 });
    return (operation, input = {}) => c[operation[0].toLowerCase() + operation.slice(1)](input).promise();
  }
  const sdk = require("@aws-sdk/client-" + service.toLowerCase());
  const c = new sdk[service + "Client"]({ endpoint, region, maxAttempts: 1 });
  return (operation, input = {}) => c.send(new sdk[operation + "Command"](input));
};
