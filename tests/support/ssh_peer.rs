//! SSH peer that misbehaves: a server of a test's own that lets everybody in, opens channels, and then sends what it likes.
//!
//! It knows one method of each kind: X25519, Ed25519, AES-256 in GCM. RFC 4253 and 8731 have the exchange, RFC 5647 the cipher.

use std::io::{self, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::agreement::{EphemeralPrivateKey, UnparsedPublicKey, X25519, agree_ephemeral};
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use sha2::{Digest as _, Sha256};

const VERSION: &str = "SSH-2.0-peer";

/// Where it listens, and the line by which a client knows it.
pub(crate) struct SshPeer {
    pub port: u16,
    pub known_host: String,
}

impl SshPeer {
    /// What `misbehaves` does with a client begins when its first channel is open.
    pub(crate) fn start(misbehaves: fn(&mut PeerSession) -> io::Result<()>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("binds");
        let port = listener.local_addr().expect("is bound").port();
        let key = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("is a seed");
        let known_host = format!("[127.0.0.1]:{port} ssh-ed25519 {}\n", STANDARD.encode(public(&key)));
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                // It ends with its client, whoever of them that is.
                let _ = PeerSession::enter(client, &key).and_then(|mut session| misbehaves(&mut session));
            }
        });
        Self { port, known_host }
    }
}

fn public(key: &Ed25519KeyPair) -> Vec<u8> {
    let mut blob = Vec::new();
    string(&mut blob, b"ssh-ed25519");
    string(&mut blob, key.public_key().as_ref());
    blob
}

pub(crate) fn string(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&u32::try_from(bytes.len()).expect("is short").to_be_bytes());
    out.extend_from_slice(bytes);
}

/// A positive number, as RFC 4251 writes it.
fn number(out: &mut Vec<u8>, bytes: &[u8]) {
    let start = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
    let mut bytes = bytes[start..].to_vec();
    if bytes.first().is_some_and(|first| *first >= 0x80) {
        bytes.insert(0, 0);
    }
    string(out, &bytes);
}

/// The string that begins there.
fn string_at(payload: &[u8], at: usize) -> io::Result<&[u8]> {
    let short = || io::Error::from(io::ErrorKind::UnexpectedEof);
    let length = payload.get(at..at + 4).ok_or_else(short)?.try_into().expect("four bytes");
    payload.get(at + 4..at + 4 + u32::from_be_bytes(length) as usize).ok_or_else(short)
}

/// One direction.
struct Cipher {
    key: LessSafeKey,
    fixed: [u8; 4],
    count: u64,
}

impl Cipher {
    fn new(key: &[u8], iv: &[u8]) -> Self {
        let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).expect("is as long as that"));
        let count = u64::from_be_bytes(iv[4..12].try_into().expect("eight bytes"));
        Self { key, fixed: iv[..4].try_into().expect("four bytes"), count }
    }

    fn nonce(&mut self) -> Nonce {
        let mut nonce = [0; 12];
        nonce[..4].copy_from_slice(&self.fixed);
        nonce[4..].copy_from_slice(&self.count.to_be_bytes());
        self.count = self.count.wrapping_add(1);
        Nonce::assume_unique_for_key(nonce)
    }
}

pub(crate) struct PeerSession {
    stream: TcpStream,
    /// What is sent, and what is received.
    ciphers: Option<(Cipher, Cipher)>,
}

impl PeerSession {
    fn enter(mut stream: TcpStream, key: &Ed25519KeyPair) -> io::Result<Self> {
        write!(stream, "{VERSION}\r\n")?;
        let mut theirs = Vec::new();
        while !theirs.ends_with(b"\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte)?;
            theirs.push(byte[0]);
        }
        let theirs = theirs.trim_ascii_end().to_vec();
        let mut session = Self { stream, ciphers: None };
        session.exchange(&theirs, key)?;
        session.let_in()?;
        Ok(session)
    }

    fn exchange(&mut self, their_version: &[u8], key: &Ed25519KeyPair) -> io::Result<()> {
        let mut ours = vec![20];
        ours.extend_from_slice(&[0; 16]);
        let (cipher, mac) = ("aes256-gcm@openssh.com", "hmac-sha2-256");
        for names in ["curve25519-sha256", "ssh-ed25519", cipher, cipher, mac, mac, "none", "none", "", ""] {
            string(&mut ours, names.as_bytes());
        }
        ours.extend_from_slice(&[0; 5]);
        self.send(&ours)?;
        let theirs = self.receive(20)?;
        let point = string_at(&self.receive(30)?, 1)?.to_vec();
        let random = SystemRandom::new();
        let private = EphemeralPrivateKey::generate(&X25519, &random).expect("there is randomness");
        let our_point = private.compute_public_key().expect("is a key");
        let agreed = agree_ephemeral(private, &UnparsedPublicKey::new(&X25519, &point), <[u8]>::to_vec);
        let agreed = agreed.map_err(|_| io::Error::other("no point"))?;
        let (mut hashed, mut secret, key_blob) = (Vec::new(), Vec::new(), public(key));
        for part in [their_version, VERSION.as_bytes(), &theirs, &ours, &key_blob, &point, our_point.as_ref()]
        {
            string(&mut hashed, part);
        }
        number(&mut secret, &agreed);
        hashed.extend_from_slice(&secret);
        let hash = Sha256::digest(&hashed);
        let (mut signature, mut reply) = (Vec::new(), vec![31]);
        string(&mut signature, b"ssh-ed25519");
        string(&mut signature, key.sign(&hash).as_ref());
        for part in [&key_blob, our_point.as_ref(), &signature] {
            string(&mut reply, part);
        }
        self.send(&reply)?;
        self.send(&[21])?;
        self.receive(21)?;
        let derive = |letter: u8| {
            let parts: [&[u8]; 4] = [&secret, &hash, &[letter], &hash];
            Sha256::digest(parts.concat())
        };
        let [iv_in, iv_out, key_in, key_out] = [b'A', b'B', b'C', b'D'].map(derive);
        self.ciphers = Some((Cipher::new(&key_out, &iv_out), Cipher::new(&key_in, &iv_in)));
        Ok(())
    }

    /// Whoever comes, by whatever key; up to the first channel, which is theirs with the number 0.
    fn let_in(&mut self) -> io::Result<()> {
        let service = self.receive(5)?;
        self.send(&[&[6], &service[1..]].concat())?;
        self.receive(50)?;
        self.send(&[52])?;
        let opens = self.receive(90)?;
        let number = 5 + string_at(&opens, 1)?.len();
        let mut opened = vec![91];
        opened.extend_from_slice(&opens[number..number + 4]);
        for word in [0_u32, 2 << 20, 32 << 10] {
            opened.extend_from_slice(&word.to_be_bytes());
        }
        self.send(&opened)
    }

    pub(crate) fn send(&mut self, payload: &[u8]) -> io::Result<()> {
        // What is encrypted is a multiple of the block; without a cipher the length belongs to it.
        let (block, counted) = if self.ciphers.is_some() { (16, 1) } else { (8, 5) };
        let padding = match block - (payload.len() + counted) % block {
            few if few < 4 => few + block,
            enough => enough,
        };
        let length = u32::try_from(1 + payload.len() + padding).expect("is short").to_be_bytes();
        let mut rest = vec![u8::try_from(padding).expect("is short")];
        rest.extend_from_slice(payload);
        rest.resize(rest.len() + padding, 0);
        if let Some((cipher, _)) = &mut self.ciphers {
            let nonce = cipher.nonce();
            cipher.key.seal_in_place_append_tag(nonce, Aad::from(length), &mut rest).expect("is short");
        }
        self.stream.write_all(&[&length, rest.as_slice()].concat())
    }

    /// The next packet of that kind; others are passed over.
    fn receive(&mut self, kind: u8) -> io::Result<Vec<u8>> {
        loop {
            let mut length = [0; 4];
            self.stream.read_exact(&mut length)?;
            let tag = if self.ciphers.is_some() { AES_256_GCM.tag_len() } else { 0 };
            let mut rest = vec![0; u32::from_be_bytes(length) as usize + tag];
            self.stream.read_exact(&mut rest)?;
            let plain = match &mut self.ciphers {
                Some((_, cipher)) => {
                    let nonce = cipher.nonce();
                    let opened = cipher.key.open_in_place(nonce, Aad::from(length), &mut rest);
                    opened.map_err(|_| io::Error::other("not for us"))?
                }
                None => &mut rest,
            };
            let padding = usize::from(plain[0]);
            let payload = plain[1..plain.len() - padding].to_vec();
            if payload.first() == Some(&kind) {
                return Ok(payload);
            }
        }
    }

    /// Takes what comes until the client is gone.
    pub(crate) fn hear_to_the_end(&mut self) -> io::Result<()> {
        io::copy(&mut self.stream, &mut io::sink()).map(drop)
    }
}
