"""moto's server with downloads of Lambda code as AWS has them, and what plimsoll makes of buckets and functions there."""

import os
import pathlib
import sys
import time

from inventory import Inventory, bucket, ok, package


def serve(port_file):
    """moto names places in AWS for the code of functions; real ones are presigned URLs, which its own S3 has too."""
    import boto3
    from moto.awslambda.models import LambdaFunction, LayerVersion
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    _, port = server.get_host_and_port()

    def presigned(code):
        s3 = boto3.client("s3", endpoint_url=f"http://127.0.0.1:{port}", aws_access_key_id="test", aws_secret_access_key="s3cret-key", region_name="us-east-1")
        return s3.generate_presigned_url("get_object", Params={"Bucket": code["S3Bucket"], "Key": code["S3Key"]})

    of_function, of_layer = LambdaFunction.get_code, LayerVersion.get_layer_version

    def get_code(self):
        got = of_function(self)
        if "S3Key" in self.code:
            got["Code"]["Location"] = presigned(self.code)
        return got

    def get_layer_version(self):
        got = of_layer(self)
        if "S3Key" in self.content:
            got["Content"]["Location"] = presigned(self.content)
        return got

    LambdaFunction.get_code, LayerVersion.get_layer_version = get_code, get_layer_version
    pathlib.Path(port_file).write_text(str(port))
    while True:
        time.sleep(3600)


def check(plimsoll, work):
    import boto3

    inventory = Inventory(plimsoll, ["s3cret", "X-Amz"])
    run, ask = inventory.run, inventory.ask
    s3 = boto3.client("s3", endpoint_url=os.environ["AWS_ENDPOINT_URL"])
    s3.create_bucket(Bucket="code", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    put = lambda key, body: s3.put_object(Bucket="code", Key=key, Body=body)
    bucket(inventory, "s3", put, lambda key: s3.delete_object(Bucket="code", Key=key), f"{work}/s3.db")

    role = boto3.client("iam", endpoint_url=os.environ["AWS_ENDPOINT_URL"]).create_role(RoleName="r", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    for region in ("eu-west-1", "us-east-1"):
        aws = boto3.client("lambda", endpoint_url=os.environ["AWS_ENDPOINT_URL"], region_name=region)
        put(f"lambda/{region}.zip", package("minimist", "1.2.5"))
        put(f"layer/{region}.zip", package("follow-redirects", "1.15.1"))
        layer = aws.publish_layer_version(LayerName="shared", Content={"S3Bucket": "code", "S3Key": f"layer/{region}.zip"})
        for i in range(60):
            aws.create_function(
                FunctionName=f"fn-{i:03}", Runtime="nodejs20.x", Role=role, Handler="index.handler", MemorySize=512, Timeout=30,
                Code={"S3Bucket": "code", "S3Key": f"lambda/{region}.zip"}, Layers=[layer["LayerVersionArn"]], Tags={"Owner": "shop", "stage": region},
            )
    store = ("--store", f"{work}/lambda.db")
    said = run("sync", "lambda://eu-west-1,us-east-1", *store)
    ok("lambda: two regions", "122 functions" in said and "0 failed" in said, said.strip().splitlines()[-1])
    row = next(r for r in ask("list", *store) if r["name"] == "fn-007")
    facts = [row["runtime"], row["memory_mb"], row["timeout_s"], row["owner"], row["tags"].get("stage"), len(row["layers"])]
    ok("lambda: facts", facts[:4] == ["nodejs20.x", 512, 30, "shop"] and facts[4] in ("eu-west-1", "us-east-1") and facts[5] == 1, str(facts))
    ok("lambda: what functions ship", len(ask("find", "npm:minimist", *store)) == 120)
    ok("lambda: what layers ship", len(ask("find", "npm:follow-redirects", *store)) == 2)
    said = run("sync", "lambda://eu-west-1,us-east-1", *store)
    ok("lambda: second night by CodeSha256", "122 unchanged" in said and "0 artifacts read" in said, said.strip().splitlines()[-1])
    aws = boto3.client("lambda", endpoint_url=os.environ["AWS_ENDPOINT_URL"], region_name="eu-west-1")
    put("lambda/new.zip", package("axios", "0.27.2"))
    aws.update_function_code(FunctionName="fn-000", S3Bucket="code", S3Key="lambda/new.zip")
    aws.delete_function(FunctionName="fn-001")
    said = run("sync", "lambda://eu-west-1,us-east-1", *store)
    ok("lambda: one changed, one gone", "1 artifacts read" in said and "1 gone" in said, said.strip().splitlines()[-1])
    s3.delete_object(Bucket="code", Key="lambda/new.zip")
    put("lambda/lost.zip", package("left-pad", "1.3.0"))
    aws.update_function_code(FunctionName="fn-002", S3Bucket="code", S3Key="lambda/lost.zip")
    s3.delete_object(Bucket="code", Key="lambda/lost.zip")
    said = run("sync", "lambda://eu-west-1", *store, code=2)
    ok("lambda: code that cannot be had, told", "fn-002" in said and "404" in said, said.strip().splitlines()[0][:120])

    pathlib.Path(work, "aws").write_text("[profile a]\nregion = eu-west-1\naws_access_key_id = a\naws_secret_access_key = s3cret\n[profile b]\nregion = eu-west-1\naws_access_key_id = b\naws_secret_access_key = s3cret\n")
    # Keys in the environment are another account's.
    env = {"AWS_CONFIG_FILE": f"{work}/aws"}
    said = run("sync", "lambda://eu-west-1", "--profile", "a", "--profile", "b", "--store", f"{work}/profiles.db", code=2, env=env)
    sources = {r["source"] for r in ask("list", "--store", f"{work}/profiles.db")}
    ok("lambda: two profiles", sources == {"lambda://a@eu-west-1", "lambda://b@eu-west-1"}, str(sources))
    said = run("sync", "lambda://eu-west-1", "--profile", "nobody", *store, code=2, env=env)
    ok("lambda: no such profile, told", "nobody" in said, said.strip().splitlines()[0][:140])

    url = os.environ["AWS_ENDPOINT_URL"]
    anybody = s3.generate_presigned_url("get_object", Params={"Bucket": "code", "Key": "other/elsewhere.zip"})
    s3.put_object_acl(Bucket="code", Key="nightly/f-0000.zip", ACL="public-read")
    pathlib.Path(work, "manifest.csv").write_text(f"name,url,owner\npublic,{url}/code/nightly/f-0000.zip,a\nsigned,{anybody},b\nstored,s3://code/other/elsewhere.zip,c\n")
    store = ("--store", f"{work}/manifest.db")
    said = run("sync", f"{work}/manifest.csv", *store)
    ok("manifest: URLs", "3 functions" in said and len(ask("find", "npm:axios", *store)) == 3, said.strip().splitlines()[-1])
    said = run("sync", f"{work}/manifest.csv", *store)
    ok("manifest: an ETag is enough", " 3 unchanged" in said, said.strip().splitlines()[-1])


if __name__ == "__main__":
    {"serve": serve, "check": check}[sys.argv[1]](*sys.argv[2:])
