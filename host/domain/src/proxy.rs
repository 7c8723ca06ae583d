use core::fmt;
use core::str::FromStr;

use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use url::Url;

use crate::Secret;

/// A proxy on the way to Telegram, read from a URL or from one of Telegram's own links:
///
/// - `socks5://[user:password@]host[:port]` (port 1080); names are resolved by the proxy
/// - `http://[user:password@]host[:port]` (port 80), by CONNECT
/// - `mtproxy://host[:port]?secret=…` (port 443)
/// - `tg://proxy?server=…&port=…&secret=…`, `tg://socks?server=…&port=…&user=…&pass=…`, and both as
///   `https://t.me/…`
#[derive(Clone)]
pub struct Proxy {
    /// How it is spoken to.
    pub kind: ProxyKind,
    /// Name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
}

/// How a proxy is spoken to, with what it wants to know.
#[derive(Clone)]
pub enum ProxyKind {
    /// SOCKS 5, RFC 1928 and 1929.
    Socks5(Option<Login>),
    /// HTTP CONNECT, RFC 9110, 9.3.6.
    Http(Option<Login>),
    /// Telegram's own kind.
    MtProxy(ProxySecret),
}

/// Name and password for a proxy.
#[derive(Clone)]
pub struct Login {
    /// The name, 255 bytes at most.
    pub user: String,
    /// The password, 255 bytes at most.
    pub password: Secret<String>,
}

/// The secret of a proxy of Telegram's own kind: 16 bytes, and how the stream is to look.
/// Source: <https://core.telegram.org/mtproto/mtproto-transports#transport-obfuscation>.
#[derive(Clone)]
pub struct ProxySecret {
    /// The 16 bytes.
    pub key: Secret<[u8; 16]>,
    /// How the stream is to look.
    pub look: Look,
}

/// How a stream to a proxy is to look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Look {
    /// Like noise. 16 bytes alone.
    Plain,
    /// Like noise of which not even the lengths tell. `dd` and 16 bytes.
    Padded,
    /// Like TLS to this domain, of 1 to 182 bytes. `ee`, 16 bytes and the domain.
    Tls(String),
}

/// Not a proxy. The message never shows what was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadProxy(&'static str);

/// The longest domain that fits into a TLS hello as proxies expect it. As TDLib has it.
const LONGEST_DOMAIN: usize = 182;
/// Base64 as links have it, with or without what fills up.
const BASE64: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);

impl Proxy {
    /// `socks5`, `http` or `mtproxy`.
    pub const fn kind_name(&self) -> &'static str {
        match self.kind {
            ProxyKind::Socks5(_) => "socks5",
            ProxyKind::Http(_) => "http",
            ProxyKind::MtProxy(_) => "mtproxy",
        }
    }
}

/// Kind, host and port: what may be shown of a proxy.
impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, port) = (self.kind_name(), self.port);
        if self.host.contains(':') {
            write!(f, "{kind}://[{}]:{port}", self.host)
        } else {
            write!(f, "{kind}://{}:{port}", self.host)
        }
    }
}

/// As [`fmt::Display`]: without secrets.
impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl PartialEq for Proxy {
    fn eq(&self, other: &Self) -> bool {
        let same = match (&self.kind, &other.kind) {
            (ProxyKind::Socks5(one), ProxyKind::Socks5(two))
            | (ProxyKind::Http(one), ProxyKind::Http(two)) => match (one, two) {
                (None, None) => true,
                (Some(one), Some(two)) => {
                    one.user == two.user && one.password.expose() == two.password.expose()
                }
                _ => false,
            },
            (ProxyKind::MtProxy(one), ProxyKind::MtProxy(two)) => {
                one.look == two.look && one.key.expose() == two.key.expose()
            }
            _ => false,
        };
        same && self.host == other.host && self.port == other.port
    }
}

impl Eq for Proxy {}

impl FromStr for Proxy {
    type Err = BadProxy;

    fn from_str(text: &str) -> Result<Self, BadProxy> {
        let url = Url::parse(text.trim()).map_err(|_| {
            BadProxy("expected socks5://…, http://…, mtproxy://…?secret=… or a tg://proxy link")
        })?;
        let path = url.path().trim_matches('/');
        let host = url.host_str().unwrap_or_default();
        match (url.scheme(), host, path) {
            ("tg", "proxy", _) | ("http" | "https", "t.me" | "telegram.me", "proxy") => {
                let secret = field(&url, "secret").ok_or(BadProxy("the link has no secret"))?;
                let kind = ProxyKind::MtProxy(secret.parse()?);
                linked(&url, kind)
            }
            ("tg", "socks", _) | ("http" | "https", "t.me" | "telegram.me", "socks") => {
                let user = field(&url, "user").filter(|user| !user.is_empty());
                let password = field(&url, "pass").unwrap_or_default();
                let login = user.map(|user| login(user, password)).transpose()?;
                linked(&url, ProxyKind::Socks5(login))
            }
            ("socks5" | "socks5h", _, "") => made(
                host,
                url.port().unwrap_or(1080),
                ProxyKind::Socks5(of(&url)?),
            ),
            ("http", _, "") => made(host, url.port().unwrap_or(80), ProxyKind::Http(of(&url)?)),
            ("mtproxy", _, "") => {
                let secret = field(&url, "secret")
                    .ok_or(BadProxy("a proxy of Telegram's kind needs ?secret=…"))?;
                let kind = ProxyKind::MtProxy(secret.parse()?);
                made(host, url.port().unwrap_or(443), kind)
            }
            ("https", ..) => Err(BadProxy(
                "a proxy that is spoken to by TLS is not possible; use http, socks5 or mtproxy",
            )),
            ("socks5" | "socks5h" | "http" | "mtproxy", ..) => {
                Err(BadProxy("a proxy's URL ends with its port"))
            }
            _ => Err(BadProxy("the kinds of proxy are socks5, http and mtproxy")),
        }
    }
}

impl ProxySecret {
    /// The secret as hex, which is as secret as it is itself.
    pub fn to_hex(&self) -> String {
        use fmt::Write as _;
        let (first, domain): (&[u8], &str) = match &self.look {
            Look::Plain => (&[], ""),
            Look::Padded => (&[0xdd], ""),
            Look::Tls(domain) => (&[0xee], domain),
        };
        let mut hex = String::new();
        for byte in first
            .iter()
            .chain(self.key.expose())
            .chain(domain.as_bytes())
        {
            // A String takes all text.
            let _ = write!(hex, "{byte:02x}");
        }
        hex
    }
}

impl FromStr for ProxySecret {
    type Err = BadProxy;

    fn from_str(text: &str) -> Result<Self, BadProxy> {
        // Hex first: every secret in hex is base64 too, of something else.
        let alphabets = [&base64::alphabet::URL_SAFE, &base64::alphabet::STANDARD];
        let decoded = alphabets.into_iter().filter_map(|alphabet| {
            let engine = GeneralPurpose::new(alphabet, BASE64);
            engine.decode(text).ok()
        });
        hex(text)
            .into_iter()
            .chain(decoded)
            .find_map(|bytes| secret(&bytes))
            .ok_or(BadProxy(
                "the secret is 16 bytes, dd and 16 bytes, or ee, 16 bytes and a domain of 1 to 182 \
                 bytes; in hex or base64",
            ))
    }
}

fn secret(bytes: &[u8]) -> Option<ProxySecret> {
    let (key, look) = match bytes {
        [0xee, rest @ ..] => {
            let (key, domain) = rest.split_first_chunk::<16>()?;
            let domain = core::str::from_utf8(domain).ok()?;
            let fits = (1..=LONGEST_DOMAIN).contains(&domain.len())
                && domain.bytes().all(|byte| byte.is_ascii_graphic());
            (*key, Look::Tls(fits.then(|| domain.to_owned())?))
        }
        [0xdd, rest @ ..] if rest.len() == 16 => (*rest.first_chunk()?, Look::Padded),
        key => (key.try_into().ok()?, Look::Plain),
    };
    Some(ProxySecret {
        key: Secret::new(key),
        look,
    })
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let bytes = pairs.iter().map(|[high, low]| {
        let byte = digit(*high)? << 4 | digit(*low)?;
        u8::try_from(byte).ok()
    });
    rest.is_empty().then(|| bytes.collect()).flatten()
}

fn field(url: &Url, name: &str) -> Option<String> {
    let mut fields = url.query_pairs();
    fields
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

/// From a link of Telegram's.
fn linked(url: &Url, kind: ProxyKind) -> Result<Proxy, BadProxy> {
    let port = field(url, "port").and_then(|port| port.parse().ok());
    let port = port.ok_or(BadProxy("the link has no port"))?;
    made(&field(url, "server").unwrap_or_default(), port, kind)
}

/// The login within a URL.
fn of(url: &Url) -> Result<Option<Login>, BadProxy> {
    if url.username().is_empty() {
        return Ok(None);
    }
    let password = url.password().unwrap_or_default();
    login(unescaped(url.username())?, unescaped(password)?).map(Some)
}

fn login(user: String, password: String) -> Result<Login, BadProxy> {
    // RFC 1929 has one byte for each length.
    if user.len() > 255 || password.len() > 255 {
        return Err(BadProxy("name and password have 255 bytes at most"));
    }
    Ok(Login {
        user,
        password: Secret::new(password),
    })
}

/// What `%` stands for.
fn unescaped(text: &str) -> Result<String, BadProxy> {
    let bad = BadProxy("name or password is not escaped as URLs are");
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let (escaped, rest) = part.split_at_checked(2).ok_or(bad)?;
        bytes.extend(hex(escaped).ok_or(bad)?);
        bytes.extend(rest.as_bytes());
    }
    String::from_utf8(bytes).map_err(|_| bad)
}

fn made(host: &str, port: u16, kind: ProxyKind) -> Result<Proxy, BadProxy> {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    // 253 is the longest name that DNS has.
    let fits = (1..=253).contains(&host.len())
        && host
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-._:".contains(&b));
    if !fits {
        return Err(BadProxy("the proxy has no host, or not a host's name"));
    }
    if port == 0 {
        return Err(BadProxy("a proxy's port is not 0"));
    }
    Ok(Proxy {
        kind,
        host: host.to_owned(),
        port,
    })
}

#[cfg(test)]
mod tests {
    use super::{Look, Proxy, ProxyKind, ProxySecret};

    const KEY: &str = "367a189aee18fa31c190054efd4a8e95";

    fn read(text: &str) -> Proxy {
        text.parse().unwrap_or_else(|e| panic!("{text}: {e}"))
    }

    fn secret(text: &str) -> Option<Look> {
        text.parse().ok().map(|s: ProxySecret| {
            assert_eq!(s.key.expose()[..2], [0x36, 0x7a], "{text}");
            s.look
        })
    }

    /// Breaks when a form of a proxy that people have is not taken, or is taken for another.
    #[test]
    fn every_form() {
        let socks = read("socks5://anna:p%40ss%3A%25@proxy.example:9050");
        let ProxyKind::Socks5(Some(login)) = &socks.kind else {
            panic!("not socks");
        };
        assert_eq!(
            (login.user.as_str(), login.password.expose().as_str()),
            ("anna", "p@ss:%")
        );
        assert_eq!(socks.to_string(), "socks5://proxy.example:9050");
        assert_eq!(format!("{socks:?}"), "socks5://proxy.example:9050");
        assert_eq!(read("socks5://[::1]").to_string(), "socks5://[::1]:1080");
        assert_eq!(
            read("http://10.0.0.1:80/").to_string(),
            "http://10.0.0.1:80"
        );
        assert_eq!(read("http://10.0.0.1:3128").port, 3128);
        for link in [
            format!("mtproxy://a.example?secret={KEY}"),
            format!("tg://proxy?server=a.example&port=443&secret={KEY}"),
            format!("https://t.me/proxy?server=a.example&port=443&secret={KEY}"),
        ] {
            assert_eq!(
                read(&link),
                read(&format!("mtproxy://a.example:443?secret={KEY}")),
                "{link}"
            );
        }
        let link = "https://t.me/socks?server=proxy.example&port=9050&user=anna&pass=p%40ss%3A%25";
        assert_eq!(read(link), socks);
        assert_ne!(read("socks5://anna:other@proxy.example:9050"), socks);
        assert_ne!(read("http://anna:p%40ss%3A%25@proxy.example:9050"), socks);
    }

    /// Breaks when a secret in one of its notations is not understood, or a wrong one is taken.
    #[test]
    fn secrets() {
        assert_eq!(secret(KEY), Some(Look::Plain));
        assert_eq!(secret(&KEY.to_uppercase()), Some(Look::Plain));
        assert_eq!(secret("NnoYmu4Y-jHBkAVO_UqOlQ"), Some(Look::Plain));
        assert_eq!(secret("NnoYmu4Y+jHBkAVO/UqOlQ=="), Some(Look::Plain));
        assert_eq!(secret(&format!("dd{KEY}")), Some(Look::Padded));
        assert_eq!(secret("3TZ6GJruGPoxwZAFTv1KjpU"), Some(Look::Padded));
        let tls = Some(Look::Tls("a.example".into()));
        assert_eq!(secret(&format!("ee{KEY}612e6578616d706c65")), tls);
        assert_eq!(secret("7jZ6GJruGPoxwZAFTv1KjpVhLmV4YW1wbGU"), tls);
        for hex in [
            KEY,
            &format!("dd{KEY}"),
            &format!("ee{KEY}612e6578616d706c65"),
        ] {
            assert_eq!(hex.parse::<ProxySecret>().unwrap().to_hex(), hex);
        }
        let long = |bytes: usize| secret(&format!("ee{KEY}{}", "61".repeat(bytes))).is_some();
        assert!(long(182) && !long(183) && !long(0));
        for bad in [
            "",
            "00",
            &KEY[2..],
            &format!("cc{KEY}"),
            &format!("ee{KEY}610a"),
            "****",
        ] {
            assert!(secret(bad).is_none(), "{bad}");
        }
    }

    /// Breaks when something else is taken for a proxy, or a message shows what was given.
    #[test]
    fn refusals() {
        for bad in [
            "",
            "proxy.example:1080",
            "socks4://a:1",
            "https://a.example:443",
            "socks5://:1080",
            "socks5://a:0",
            "socks5://a:70000",
            "mtproxy://a:443",
            "mtproxy://a:443?secret=hunter2",
            "http://a/path",
            "socks5://u%zz:hunter2@a",
            "tg://proxy?server=a&port=1",
            "tg://proxy?server=a&secret=367a189aee18fa31c190054efd4a8e95",
            "tg://socks?port=1",
            "socks5://a b",
            "https://t.me/proxy?server=a%0d%0ab&port=1&secret=367a189aee18fa31c190054efd4a8e95",
        ] {
            let refused = bad.parse::<Proxy>().expect_err(bad);
            assert!(!refused.to_string().contains("hunter2"));
        }
    }
}
