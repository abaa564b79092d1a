"""How each proxy is configured: `NAME-ours` is what `freshet proxy-config` prints, put where its first line says.

A setup is a function that writes files into a Place and returns command lines. What surrounds our configuration is a site that
compresses everything, where a proxy has such a thing: it must leave streams alone all the same.
"""

import functools
import os
import pathlib
import re
import shutil
import sys

from ..freshet import run

ROOT = pathlib.Path(__file__).resolve().parents[4]
NODE_SCRIPT = ROOT / "Tests" / "Interop" / "node" / "proxy.mjs"
MITMPROXY = ROOT / ".venv-mitmproxy" / "bin" / "mitmdump"


def generated(proxy, place, path="/v1/"):
    """What the program prints for this proxy."""
    result = run(
        "proxy-config", proxy, "--listen", place.listen, "--upstream", f"http://{place.origin}", "--path", path
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.decode()


# nginx


def _nginx(place, http, name="nginx"):
    temporary = "".join(
        f"{kind}_temp_path {place.directory}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;" if os.geteuid() == 0 else ""
    config = place.write(
        f"{name}.conf",
        f"""
        daemon off;
        {user}
        worker_processes 1;
        error_log stderr;
        pid {place.directory}/{name}.pid;
        events {{}}
        http {{
            access_log off;
            {temporary}
            {http}
        }}
        """,
    )
    return ["nginx", "-p", place.directory, "-c", config, "-e", "stderr"]


def nginx_ours(place, path="/v1/"):
    place.write("freshet.conf", generated("nginx", place, path))
    return [_nginx(place, f"gzip on; gzip_types *; include {place.directory}/freshet.conf;")]


def _nginx_location(directives, http=""):
    """The bare `proxy_pass` of most tutorials, and what the test adds."""

    def setup(place):
        location = f"location / {{ proxy_pass http://{place.origin}; proxy_set_header Host $http_host; {directives} }}"
        return [_nginx(place, f"{http} server {{ listen {place.listen}; {location} }}".replace("DIR", str(place.directory)))]

    return setup


def _nginx_twice(inner_directives=""):
    def setup(place):
        inner = place.another()
        inside = f"location / {{ proxy_pass http://{place.origin}; proxy_set_header Host $http_host; {inner_directives} }}"
        outside = f"location / {{ proxy_pass http://{inner.listen}; proxy_set_header Host $http_host; }}"
        return [
            _nginx(
                place,
                f"server {{ listen {inner.listen}; {inside} }} server {{ listen {place.listen}; {outside} }}",
            )
        ]

    return setup


# HAProxy


def _haproxy(place, text):
    return [["haproxy", "-db", "-f", place.write("haproxy.cfg", text)]]


def haproxy_ours(place, path="/v1/"):
    return _haproxy(place, generated("haproxy", place, path))


def _haproxy_http(defaults="", frontend="", server=""):
    """Debian's defaults: 50 s for both sides."""

    def setup(place):
        return _haproxy(
            place,
            f"""
defaults
    mode http
    timeout connect 5000
    timeout client 50000
    timeout server 50000
    {defaults}
frontend web
    bind {place.listen}
    {frontend}
    default_backend app
backend app
    server app {place.origin} {server}
""",
        )

    return setup


# Apache


def _apache(place, text, site=""):
    modules = pathlib.Path("/usr/lib/apache2/modules")
    names = (
        "mpm_event authz_core headers setenvif deflate brotli filter reqtimeout proxy proxy_http buffer".split()
    )
    root = "User nobody\nGroup nogroup" if os.geteuid() == 0 else ""
    place.write("site.conf", text)
    config = place.write(
        "apache.conf",
        "\n".join(f"LoadModule {name}_module {modules}/mod_{name}.so" for name in names)
        + f"""
ServerName localhost
{root}
PidFile {place.directory}/apache.pid
DefaultRuntimeDir {place.directory}
Mutex pthread
ErrorLog /dev/stderr
{site}
Include {place.directory}/site.conf
""",
    )
    return [["apache2", "-D", "FOREGROUND", "-d", place.directory, "-f", config]]


def apache_ours(place, path="/v1/"):
    return _apache(place, generated("apache", place, path), "SetOutputFilter DEFLATE")


def _apache_pass(directives=""):
    def setup(place):
        return _apache(
            place, f"Listen {place.listen}\nProxyPreserveHost On\nProxyPass / http://{place.origin}/\n{directives}\n"
        )

    return setup


# Varnish


def _varnish(place, vcl, flags=None):
    command = ["varnishd", "-F", "-j", "none", "-n", place.directory / "varnish"]
    return [[*command, *(flags or ["-a", place.listen]), "-s", "default,16m", "-f", place.write("default.vcl", vcl)]]


def varnish_ours(place, path="/v1/"):
    vcl = generated("varnish", place, path)
    return _varnish(place, vcl, re.search(r"^#     (-a .*)$", vcl, re.MULTILINE)[1].split())


def _varnish_vcl(subroutines=""):
    def setup(place):
        host, port = place.upstream
        return _varnish(place, f'vcl 4.1; backend app {{ .host = "{host}"; .port = "{port}"; }} {subroutines}')

    return setup


# Caddy


def _caddy(place, site, options=""):
    config = place.write("Caddyfile", f"{{\n    admin off\n    {options}\n}}\n" + site)
    return [["caddy", "run", "--adapter", "caddyfile", "--config", config]]


def caddy_ours(place, path="/v1/"):
    return _caddy(place, generated("caddy", place, path))


def _caddy_proxy(directives="", options=""):
    def setup(place):
        return _caddy(
            place,
            f":{place.port} {{\n    bind 127.0.0.1\n    {directives}\n    reverse_proxy {place.origin} {{\n        {options}\n    }}\n}}\n",
        )

    return setup


# lighttpd


def _lighttpd(place, text):
    return [["lighttpd", "-D", "-f", place.write("lighttpd.conf", text)]]


def lighttpd_ours(place, path="/v1/"):
    return _lighttpd(place, generated("lighttpd", place, path))


def _lighttpd_proxy(directives="", modules='"mod_proxy"'):
    def setup(place):
        host, port = place.upstream
        (place.directory / "deflate").mkdir()
        return _lighttpd(
            place,
            f"""
server.modules = ( {modules} )
server.document-root = "/var/empty"
server.upload-dirs = ( "{place.directory}" )
server.bind = "127.0.0.1"
server.port = {place.port}
{directives}
proxy.server = ( "" => ( ( "host" => "{host}", "port" => {port} ) ) )
""",
        )

    return setup


# Traffic Server


def _trafficserver(place, remap, plugins="", listen=None):
    base = place.directory
    listen = listen or f"CONFIG proxy.config.http.server_ports STRING {place.port}:ip-in={place.host}"
    for folder in ("cache", "run", "log"):
        (base / folder).mkdir()
    place.write("etc/remap.config", remap)
    place.write("etc/plugin.config", plugins)
    place.write("etc/storage.config", f"{base}/cache 16M\n")
    allowed = ", ".join(f'{{apply: in, ip_addrs: "{ip}", action: allow, methods: ALL}}' for ip in ("127.0.0.1", "::1"))
    place.write("etc/ip_allow.yaml", f"ip_allow: [{allowed}]\n")
    for name in ("logging.yaml", "sni.yaml", "strategies.yaml"):
        place.write(f"etc/{name}", "")
    place.write(
        "etc/records.config",
        f"""
{listen}
CONFIG proxy.config.admin.user_id STRING #-1
CONFIG proxy.config.exec_thread.autoconfig INT 0
CONFIG proxy.config.exec_thread.limit INT 1
CONFIG proxy.config.log.logging_enabled INT 0
CONFIG proxy.config.diags.output.error STRING E
CONFIG proxy.config.http.cache.http INT 1
CONFIG proxy.config.reverse_proxy.enabled INT 1
CONFIG proxy.config.url_remap.remap_required INT 1
CONFIG proxy.config.crash_log_helper STRING NULL
""",
    )
    layout = place.write(
        "runroot.yaml",
        f"""prefix: {base}
exec_prefix: /usr
bindir: /usr/bin
sbindir: /usr/sbin
sysconfdir: {base}/etc
datadir: {base}
includedir: /usr/include
libdir: /usr/lib
libexecdir: {_trafficserver_plugins()}
localstatedir: {base}
runtimedir: {base}/run
logdir: {base}/log
cachedir: {base}/cache
""",
    )
    return [["traffic_server", f"--run-root={layout}"]]


@functools.cache
def _trafficserver_plugins():
    return next(pathlib.Path("/usr/lib").glob("**/trafficserver/modules"), pathlib.Path("/usr/lib/trafficserver/modules"))


def trafficserver_ours(place, path="/v1/"):
    remap = generated("trafficserver", place, path)
    return _trafficserver(place, remap, listen=re.search(r"^#     (CONFIG .*)$", remap, re.MULTILINE)[1])


def _trafficserver_map(compress=False):
    def setup(place):
        plugins = ""
        if compress:
            config = place.write(
                "etc/compress.config", "cache false\nremove-accept-encoding true\ncompressible-content-type text/*\n"
            )
            plugins = f"compress.so {config}\n"
        return _trafficserver(place, f"map / http://{place.origin}/\n", plugins)

    return setup


# Squid


def _squid(place, text):
    # It gives up root's rights, and needs nothing that only root may.
    quiet = "pid_filename none\ncache_log /dev/null\naccess_log none\nshutdown_lifetime 0 seconds\ncache_store_log none\n"
    return [["squid", "-N", "-f", place.write("squid.conf", quiet + text)]]


def squid_ours(place, path="/v1/"):
    return _squid(place, generated("squid", place, path))


def squid_stock(place):
    host, port = place.upstream
    return _squid(
        place,
        f"http_port {place.listen} accel vhost\ncache_peer {host} parent {port} 0 no-query originserver name=app\n"
        "http_access allow all\n",
    )


# Envoy


def _envoy(place, text):
    binary = next(pathlib.Path(sys.prefix).glob("lib/python*/site-packages/envoy/_bin/envoy"))
    return [
        [binary, "-c", place.write("envoy.yaml", text), "--use-dynamic-base-id", "--concurrency", "1", "-l", "error"]
    ]


def envoy_ours(place, path="/v1/"):
    return _envoy(place, generated("envoy", place, path))


def envoy_stock(place):
    """Ours without what it sets: the timeouts of Envoy itself."""
    text = generated("envoy", place, "/")
    for setting in ("stream_idle_timeout: 3600s\n", ", timeout: 0s, idle_timeout: 3600s"):
        assert setting in text
        text = text.replace(setting, "\n" if setting.endswith("\n") else "")
    return _envoy(place, text)


def envoy_short_idle(place):
    text = generated("envoy", place, "/")
    assert text.count("3600s") == 2
    return _envoy(place, text.replace("3600s", "10s"))


# Proxies that nobody needs to configure, or that cannot be


def h2o(compress, more=""):
    def setup(place):
        root = "user: root\n" if os.geteuid() == 0 else ""
        return [
            [
                "h2o",
                "-c",
                place.write(
                    "h2o.yaml",
                    f"""{root}num-threads: 1
compress: {compress}
hosts:
  default:
    listen: {{host: 127.0.0.1, port: {place.port}}}
    paths:
      /:
        proxy.reverse.url: http://{place.origin}/
        proxy.preserve-host: ON
{more}""",
                ),
            ]
        ]

    return setup


# Event streams among what is compressed, as some sites declare them.
H2O_EVENTS = """file.mime.addtypes:
  "text/event-stream": {extensions: [".sse"], is_compressible: YES}
"""


def nghttpx(place):
    host, port = place.upstream
    return [
        [
            "nghttpx",
            "--conf=/dev/null",
            f"--frontend=127.0.0.1,{place.port};no-tls",
            f"--backend={host},{port}",
            "--workers=1",
            "--errorlog-file=/dev/stderr",
            "--no-ocsp",
        ]
    ]


def privoxy(place):
    shutil.copytree("/etc/privoxy", place.directory / "privoxy")
    config = place.write(
        "privoxy/config",
        f"""confdir {place.directory}/privoxy
logdir {place.directory}
actionsfile match-all.action
actionsfile default.action
actionsfile user.action
filterfile default.filter
filterfile user.filter
listen-address {place.listen}
toggle 1
buffer-limit 4096
accept-intercepted-requests 1
socket-timeout 300
forward / {place.origin}
""",
    )
    return [["privoxy", "--no-daemon", config]]


def tinyproxy(place):
    config = place.write(
        "tinyproxy.conf",
        f"""Listen 127.0.0.1
Port {place.port}
Timeout 600
MaxClients 100
ReverseOnly Yes
ReverseMagic Yes
ReversePath "/" "http://{place.origin}/"
""",
    )
    return [["tinyproxy", "-d", "-c", config]]


def node(mode):
    def setup(place):
        return [["env", "NODE_PATH=/usr/share/nodejs", "node", NODE_SCRIPT, mode, str(place.port), f"http://{place.origin}"]]

    return setup


def mitmproxy(*options):
    def setup(place):
        return [
            [
                MITMPROXY,
                "--quiet",
                "--mode",
                f"reverse:http://{place.origin}",
                "--listen-host",
                "127.0.0.1",
                "--listen-port",
                str(place.port),
                "--set",
                f"confdir={place.directory}",
                "--set",
                "keep_host_header=true",
                *options,
            ]
        ]

    return setup


OURS = {
    "nginx": nginx_ours,
    "haproxy": haproxy_ours,
    "apache": apache_ours,
    "varnish": varnish_ours,
    "caddy": caddy_ours,
    "lighttpd": lighttpd_ours,
    "trafficserver": trafficserver_ours,
    "squid": squid_ours,
    "envoy": envoy_ours,
}


def ours(path):
    """Our configurations for another path than /v1/."""
    return {name: functools.partial(setup, path=path) for name, setup in OURS.items()}


# The front of each with TLS and HTTP/2; otherwise as it comes.


def nginx_h2(place):
    pem = place.certificate()
    tls = f"listen {place.listen} ssl http2; ssl_certificate {pem}; ssl_certificate_key {pem};"
    return [
        _nginx(place, f"server {{ {tls} location / {{ proxy_pass http://{place.origin}; proxy_set_header Host $http_host; }} }}")
    ]


def haproxy_h2(place):
    text = "\n".join(
        [
            "defaults\n    mode http\n    timeout connect 5s\n    timeout client 50s\n    timeout server 50s",
            f"listen web\n    bind {place.listen} ssl crt {place.certificate()} alpn h2,http/1.1\n    server app {place.origin}\n",
        ]
    )
    return _haproxy(place, text)


def apache_h2(place):
    pem = place.certificate()
    return _apache(
        place,
        f"Listen {place.listen}\n<VirtualHost *:{place.port}>\nSSLEngine on\nSSLCertificateFile {pem}\nProtocols h2 http/1.1\n"
        f"ProxyPreserveHost On\nProxyPass / http://{place.origin}/\n</VirtualHost>\n",
        "\n".join(f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so" for name in ("socache_shmcb", "ssl", "http2")),
    )


def caddy_h2(place):
    pem = place.certificate()
    return _caddy(
        place,
        f"https://localhost:{place.port}, https://{place.listen} {{\n    bind 127.0.0.1\n    tls {pem}.crt {pem}\n"
        f"    reverse_proxy {place.origin}\n}}\n",
        "auto_https disable_redirects",
    )


def nghttpx_h2(place):
    pem = place.certificate()
    [command] = nghttpx(place)
    command = [part.removesuffix(";no-tls") if isinstance(part, str) else part for part in command]
    return [[*command, pem, f"{pem}.crt"]]


def h2o_h2(place):
    pem = place.certificate()
    [[_, _, config]] = h2o("OFF")(place)
    listen = f"listen: {{host: 127.0.0.1, port: {place.port}}}"
    text = config.read_text()
    assert listen in text
    tls = f"listen: {{host: 127.0.0.1, port: {place.port}, ssl: {{certificate-file: {pem}.crt, key-file: {pem}}}}}"
    config.write_text(text.replace(listen, tls))
    return [["h2o", "-c", config]]


_CACHE = "proxy_cache_path DIR/cache keys_zone=c:1m;"

SETUPS = {
    **{f"{name}-ours": setup for name, setup in OURS.items()},
    "nginx-stock": _nginx_location(""),
    "nginx-h2": nginx_h2,
    "haproxy-h2": haproxy_h2,
    "apache-h2": apache_h2,
    "caddy-h2": caddy_h2,
    "nghttpx-h2": nghttpx_h2,
    "h2o-h2": h2o_h2,
    "nginx-stock-gzip": _nginx_location("", "gzip on; gzip_types *;"),
    "nginx-16k": _nginx_location("proxy_buffers 8 16k; proxy_buffer_size 16k;"),
    "nginx-http11": _nginx_location('proxy_http_version 1.1; proxy_set_header Connection "";'),
    "nginx-ignoring-hint": _nginx_location("proxy_ignore_headers X-Accel-Buffering;"),
    "nginx-nginx": _nginx_twice(),
    "nginx-nginx-passing": _nginx_twice("proxy_pass_header X-Accel-Buffering;"),
    "nginx-unbuffered-gzip": _nginx_location("proxy_buffering off;", "gzip on; gzip_types *; gzip_proxied any;"),
    "nginx-ignore-abort": _nginx_location("proxy_buffering off; proxy_http_version 1.1; proxy_ignore_client_abort on;"),
    "nginx-unchunked": _nginx_location("proxy_buffering off; proxy_http_version 1.1; chunked_transfer_encoding off;"),
    "nginx-cache": _nginx_location(
        "proxy_http_version 1.1; proxy_cache c; proxy_cache_key $uri; proxy_cache_valid 200 1h; proxy_cache_lock on;"
        "proxy_ignore_headers Cache-Control;",
        _CACHE,
    ),
    "haproxy-stock": _haproxy_http(),
    "haproxy-compression": _haproxy_http("compression algo gzip\n    compression type text/event-stream text/plain"),
    "haproxy-abortonclose": _haproxy_http("option abortonclose"),
    "haproxy-wait-for-body": _haproxy_http(
        frontend="http-request wait-for-body time 10s at-least 8k\n    http-response wait-for-body time 10s at-least 8k"
    ),
    "haproxy-maxconn": _haproxy_http("timeout queue 5s", server="maxconn 3"),
    "haproxy-tcp": lambda place: _haproxy(
        place,
        f"defaults\n    mode tcp\n    timeout connect 5s\n    timeout client 1h\n    timeout server 1h\n"
        f"listen web\n    bind {place.listen}\n    server app {place.origin}\n",
    ),
    "apache-stock": _apache_pass(),
    "apache-deflate": _apache_pass("SetOutputFilter DEFLATE"),
    "apache-brotli": _apache_pass("SetOutputFilter BROTLI_COMPRESS"),
    "varnish-stock": _varnish_vcl(),
    "varnish-pass": _varnish_vcl("sub vcl_recv { return (pass); }"),
    "varnish-pipe": _varnish_vcl("sub vcl_recv { return (pipe); }"),
    "varnish-gzip": _varnish_vcl("sub vcl_backend_response { set beresp.do_gzip = true; }"),
    "varnish-no-stream": _varnish_vcl("sub vcl_backend_response { set beresp.do_stream = false; }"),
    "varnish-forced": _varnish_vcl(
        "sub vcl_backend_response { set beresp.ttl = 1h; set beresp.uncacheable = false; return (deliver); }"
    ),
    "caddy-stock": _caddy_proxy(),
    "caddy-encode": _caddy_proxy("encode gzip {\n        match {\n            header Content-Type text/*\n        }\n    }"),
    "caddy-flush": _caddy_proxy(options="flush_interval -1"),
    "lighttpd-stock": _lighttpd_proxy(),
    "lighttpd-deflate": _lighttpd_proxy(
        'deflate.mimetypes = ( "text/" )\ndeflate.allowed-encodings = ( "gzip", "br" )', '"mod_deflate", "mod_proxy"'
    ),
    "lighttpd-streaming": _lighttpd_proxy("server.stream-response-body = 2"),
    "trafficserver-stock": _trafficserver_map(),
    "trafficserver-compress": _trafficserver_map(compress=True),
    "squid-stock": squid_stock,
    "envoy-stock": envoy_stock,
    "envoy-short-idle": envoy_short_idle,
    "h2o-stock": h2o("OFF"),
    "h2o-compress": h2o("ON"),
    "h2o-brotli": h2o("[br]", H2O_EVENTS),
    "nghttpx": nghttpx,
    "privoxy": privoxy,
    "tinyproxy": tinyproxy,
    "node": node("plain"),
    "node-compression": node("compression"),
    "node-flush-before": node("flush-before"),
    "node-flush-after": node("flush-after"),
    "mitmproxy-stock": mitmproxy(),
    "mitmproxy-streaming": mitmproxy("--set", "stream_large_bodies=1"),
}
