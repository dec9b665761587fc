"""Changes passwords with the machine's own libpam and modules, on a copy of /etc.

To be run as root in a mount namespace of its own (unshare -m). Reads one JSON
request a line and answers each with one line: which of the passwords that the
user gave ended up stored, or null.

  {"files": {"pam.d/passwd": "...", ...}}                    lays out a new /etc
  {"old": "...", "answers": ["first", "second", ...]}         a user changes his password
"""
import crypt, ctypes, ctypes.util, json, os, shutil, sys

USER, UID = "assaytest", 54321
ETC = sys.argv[1]
libc = ctypes.CDLL(None, use_errno=True)
libc.calloc.restype = ctypes.c_void_p
libc.calloc.argtypes = [ctypes.c_size_t, ctypes.c_size_t]
libc.strdup.restype = ctypes.c_void_p
libc.strdup.argtypes = [ctypes.c_char_p]
libpam = ctypes.CDLL("libpam.so.0")


class Message(ctypes.Structure):
    _fields_ = [("style", ctypes.c_int), ("text", ctypes.c_char_p)]


class Response(ctypes.Structure):
    _fields_ = [("text", ctypes.c_void_p), ("code", ctypes.c_int)]


CONV = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.POINTER(ctypes.POINTER(Message)),
                        ctypes.POINTER(ctypes.POINTER(Response)), ctypes.c_void_p)


class Conversation(ctypes.Structure):
    _fields_ = [("conv", CONV), ("data", ctypes.c_void_p)]


def change(old, answers):
    """In a child: the user changes his password, answering each "New" with the next."""
    at = [-1]

    def talk(n, messages, responses, _):
        block = libc.calloc(n, ctypes.sizeof(Response))
        array = ctypes.cast(block, ctypes.POINTER(Response))
        for i in range(n):
            message = messages[i].contents
            if message.style not in (1, 2):
                continue
            prompt = message.text.decode()
            if prompt.startswith("Current"):
                reply = old
            elif prompt.startswith("Retype"):
                reply = answers[min(at[0], len(answers) - 1)]
            else:
                at[0] += 1
                if at[0] > 12:
                    return 19
                reply = answers[min(at[0], len(answers) - 1)]
            array[i].text = libc.strdup(reply.encode())
        responses[0] = array
        return 0

    os.setresuid(UID, 0, 0)
    handle = ctypes.c_void_p()
    talk = CONV(talk)
    libpam.pam_start(b"passwd", USER.encode(), ctypes.byref(Conversation(talk, None)), ctypes.byref(handle))
    code = libpam.pam_chauthtok(handle, 0)
    if os.environ.get("SHOW"):
        libpam.pam_strerror.restype = ctypes.c_char_p
        print(code, libpam.pam_strerror(handle, code), file=sys.stderr)


def stored():
    for line in open("/etc/shadow"):
        if line.startswith(USER + ":"):
            return line.split(":")[1]


def layout(files):
    for name in os.listdir("/etc"):
        path = os.path.join("/etc", name)
        shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)
    for name, text in files.items():
        path = os.path.join("/etc", name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as f:
            f.write(text)
    with open("/etc/passwd", "w") as f:
        f.write("root:x:0:0::/:/bin/sh\n%s:x:%d:%d::/:/bin/sh\n" % (USER, UID, UID))
    with open("/etc/group", "w") as f:
        f.write("root:x:0:\nshadow:x:42:\n")
    with open("/etc/nsswitch.conf", "w") as f:
        f.write("passwd: files\nshadow: files\ngroup: files\n")
    if "login.defs" not in files:
        open("/etc/login.defs", "w").close()


libc.mount(b"none", ETC.encode(), b"tmpfs", 0, None)
if libc.mount(ETC.encode(), b"/etc", None, 4096, None) != 0:
    sys.exit("cannot mount over /etc")
for line in sys.stdin:
    request = json.loads(line)
    result = None
    if "files" in request:
        layout(request["files"])
    else:
        before = crypt.crypt(request["old"], "$1$saltsalt")
        with open("/etc/shadow", "w") as f:
            f.write("root:*:19000:0:99999:7:::\n%s:%s:19000:0:99999:7:::\n" % (USER, before))
        os.chmod("/etc/shadow", 0o600)
        child = os.fork()
        if child == 0:
            try:
                change(request["old"], request["answers"])
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        after = stored()
        if after != before:
            result = next((a for a in request["answers"] if crypt.crypt(a, after) == after), "?")
    print(json.dumps(result), flush=True)
