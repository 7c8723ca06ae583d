use std::io;

use bytes::BytesMut;
use sluice_mtproto::transport::{obfuscated::Obfuscation, tls::Records};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::Visitor;

/// How much is read at once.
const READ: usize = 16 << 10;

/// The way of a client that was let through.
pub(super) struct Through {
    pub(super) server: TcpStream,
    /// What to take off the client's stream, and to put on the server's.
    pub(super) cover: Option<(Obfuscation, Option<Records>)>,
}

/// Carries bytes both ways until one end closes.
pub(super) async fn relay(visitor: Visitor, through: Through) -> io::Result<()> {
    let Through {
        mut server,
        mut cover,
    } = through;
    let (mut client, mut forth, mut back) = (visitor.stream, visitor.incoming, BytesMut::new());
    client.set_nodelay(true)?;
    loop {
        if !forth.is_empty() {
            let mut clear = match &mut cover {
                None => forth.split(),
                Some((cipher, records)) => {
                    let mut inside = match records {
                        None => forth.split(),
                        Some(records) => {
                            let mut inside = BytesMut::new();
                            records
                                .unwrap(&mut forth, &mut inside)
                                .map_err(io::Error::other)?;
                            inside
                        }
                    };
                    cipher.decrypt(&mut inside);
                    inside
                }
            };
            server.write_all_buf(&mut clear).await?;
        }
        if !back.is_empty() {
            let mut covered = back.split();
            if let Some((cipher, records)) = &mut cover {
                cipher.encrypt(&mut covered);
                if let Some(records) = records {
                    let inside = covered.split();
                    records.wrap(&inside, &mut covered);
                }
            }
            client.write_all_buf(&mut covered).await?;
        }
        forth.reserve(READ);
        back.reserve(READ);
        let read = tokio::select! {
            read = client.read_buf(&mut forth) => read?,
            read = server.read_buf(&mut back) => read?,
        };
        if read == 0 {
            return Ok(());
        }
    }
}
