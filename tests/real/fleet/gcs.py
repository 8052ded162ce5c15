"""Google Cloud Storage as a source. Its XML API, which plimsoll's client asks, is S3's calls with Google's credentials
(https://cloud.google.com/storage/docs/interoperability), so moto's server answers for it."""

import json
import os
import pathlib
import subprocess
import sys

from inventory import Inventory, bucket, ok, package


def check(plimsoll, work):
    import boto3

    server = os.environ["AWS_ENDPOINT_URL"]
    s3 = boto3.client("s3", endpoint_url=server, region_name="us-east-1")
    s3.create_bucket(Bucket="open")
    s3.put_object(Bucket="open", Key="a.zip", Body=package("axios", "0.27.2"), ACL="public-read")
    if "code" not in [known["Name"] for known in s3.list_buckets()["Buckets"]]:
        s3.create_bucket(Bucket="code")
    for known in s3.get_paginator("list_objects_v2").paginate(Bucket="code"):
        for object in known.get("Contents", []):
            s3.delete_object(Bucket="code", Key=object["Key"])

    # Whatever is Amazon's must not be asked or sent.
    mute = {name: "" for name in os.environ if name.startswith("AWS_")}
    token = {"CLOUDSDK_AUTH_ACCESS_TOKEN": "s3cret-token"}
    inventory = Inventory(plimsoll, ["s3cret", "BEGIN PRIVATE KEY"], STORAGE_EMULATOR_HOST=server, **mute)
    inventory.env.update(token)
    put = lambda key, body: s3.put_object(Bucket="code", Key=key, Body=body)
    bucket(inventory, "gs", put, lambda key: s3.delete_object(Bucket="code", Key=key), f"{work}/gs.db")

    # A service account signs its own token with its key.
    key = subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"], capture_output=True, text=True).stdout
    if "PRIVATE KEY" in key:
        account = {"type": "service_account", "private_key": key, "private_key_id": "1", "client_email": "nightly@shop.example", "project_id": "shop", "client_id": "1"}
        pathlib.Path(work, "account.json").write_text(json.dumps(account))
        env = {"CLOUDSDK_AUTH_ACCESS_TOKEN": "", "GOOGLE_APPLICATION_CREDENTIALS": f"{work}/account.json"}
        said = inventory.run("sync", "gs://code/other/", "--store", f"{work}/account.db", env=env)
        ok("gs: a service account's key", "1 functions" in said and "1 artifacts read" in said, said.strip().splitlines()[-1])
    said = inventory.run("sync", "gs://code/other/", "--store", f"{work}/nokey.db", env={"CLOUDSDK_AUTH_ACCESS_TOKEN": ""}, code=2)
    ok("gs: no key, told", "403" in said, said.strip().splitlines()[0][:150])
    said = inventory.run("sync", "gs://open/", "--store", f"{work}/open.db", env={"CLOUDSDK_AUTH_ACCESS_TOKEN": ""})
    ok("gs: an emulator's open bucket needs no key", "1 artifacts read" in said, said.strip().splitlines()[-1])


if __name__ == "__main__":
    check(*sys.argv[1:])
