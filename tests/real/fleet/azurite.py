"""Azure Blob Storage as a source, as Azurite (Microsoft's own emulator) has it."""

import sys
from datetime import datetime, timedelta, timezone

from inventory import Inventory, bucket, ok

# The account and the key that every Azurite has; they are public.
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


def check(plimsoll, work, server):
    from azure.storage.blob import ContainerSasPermissions, BlobServiceClient, generate_container_sas

    endpoint = f"{server}/{ACCOUNT}"
    container = BlobServiceClient(endpoint, credential=KEY).create_container("code")
    put = lambda key, body: container.upload_blob(key, body, overwrite=True)

    text = f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={KEY};BlobEndpoint={endpoint};"
    inventory = Inventory(plimsoll, [KEY, "sig="], AZURE_STORAGE_CONNECTION_STRING=text)
    # A page has 5,000 names.
    bucket(inventory, "az", put, container.delete_blob, f"{work}/az.db", pages=5005)

    def one(what, env, code=0):
        said = Inventory(plimsoll, [KEY, "sig="], **env).run("sync", "az://code/other/", "--store", f"{work}/{what}.db", code=code)
        ok(f"az: {what}", ("1 artifacts read" in said) == (code == 0), said.strip().splitlines()[0][:150])
        return said

    one("by the variables of az", {"AZURE_STORAGE_ACCOUNT": ACCOUNT, "AZURE_STORAGE_KEY": KEY, "AZURE_STORAGE_ENDPOINT": endpoint})
    soon = datetime.now(timezone.utc) + timedelta(hours=1)
    sas = generate_container_sas(ACCOUNT, "code", account_key=KEY, permission=ContainerSasPermissions(read=True, list=True), expiry=soon)
    one("by a signature", {"AZURE_STORAGE_ACCOUNT": ACCOUNT, "AZURE_STORAGE_SAS_TOKEN": sas, "AZURE_STORAGE_ENDPOINT": endpoint})
    one("an emulator by its address", {"AZURE_STORAGE_USE_EMULATOR": "true", "AZURITE_BLOB_STORAGE_URL": server})
    said = one("another key, told", {"AZURE_STORAGE_ACCOUNT": ACCOUNT, "AZURE_STORAGE_KEY": "bm8=", "AZURE_STORAGE_ENDPOINT": endpoint}, code=2)
    ok("az: the server's own words", "AuthorizationFailure" in said and "<" not in said)
    said = one("no account, told", {}, code=2)
    ok("az: what to set", "AZURE_STORAGE_ACCOUNT" in said)


if __name__ == "__main__":
    check(*sys.argv[1:])
