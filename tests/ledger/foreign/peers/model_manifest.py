"""Print the manifest that model-signing makes of a folder, to be compared with ours: FOLDER [PATH THAT IS PASSED OVER]..."""

import json
import pathlib
import sys

from google.protobuf import json_format
from model_signing import hashing
from model_signing._signing.signing import Payload

folder, *ignored = sys.argv[1:]
config = hashing.Config().use_file_serialization(allow_symlinks=True).set_allow_symlinks(allow_symlinks=True)
if ignored:
    config.set_ignored_paths(paths=[pathlib.Path(path) for path in ignored])
made = json.loads(json_format.MessageToJson(Payload(config.hash(folder)).statement.pb))
print(json.dumps(made))
