mod content;

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use sluice_domain::{ProxyKind, Random};
use sluice_mtproto::{AuthKey, rsa::PrivateKey};
use tokio::net::TcpListener;

use crate::{
    AccountInfo, AuthorizationInfo, DcInfo, JournalEntry, JournalFilter, NewAccount, Options,
    Outcome, ProxyServer, PushCounts, PushFaults, Rule, RuleId, RuleView, StartError, WorldClock,
    WorldError,
    control::{self, Control},
    disk::Disk,
    keys,
    net::{Door, Hub},
    system::{SystemClock, SystemRandom},
    world::{World, authorization::hex, message::Letter, password::Password, user::User},
};

/// A running Telegram. Cheap to clone; everything ends when [`DataCenter::shutdown`] is called.
#[derive(Clone)]
pub struct DataCenter {
    hub: Arc<Hub>,
    clock: WorldClock,
    /// The open ports, a main and a media one for each data center that is not stopped.
    doors: Arc<tokio::sync::Mutex<Vec<Option<[Door; 2]>>>>,
    control: Arc<Control>,
}

impl DataCenter {
    /// Opens all ports, of the data centers and of the control API.
    #[allow(
        clippy::unused_async,
        reason = "it needs a runtime, which an async fn makes plain"
    )]
    pub async fn start(options: Options) -> Result<Self, StartError> {
        if !(1..=9).contains(&options.dcs) {
            return Err(StartError::Count(options.dcs));
        }
        if !options.control.ip().is_loopback() {
            return Err(StartError::ControlNotLoopback(options.control));
        }
        let random = match options.random {
            Some(random) => random,
            None => Arc::new(SystemRandom::new().ok_or(StartError::Random)?),
        };
        let clock = options
            .clock
            .unwrap_or_else(|| Arc::new(SystemClock::default()));
        let server_key = PrivateKey::from_pem(keys::PRIVATE_PEM)
            .map_err(|error| StartError::Key(error.to_string()))?;

        let (disk, kept) = match &options.data {
            None => (None, None),
            Some(dir) => {
                let (disk, kept) = Disk::open(dir)?;
                (Some(disk), kept)
            }
        };
        let mut listeners = Vec::new();
        let mut dcs = Vec::new();
        for id in 1..=i32::from(options.dcs) {
            let ports = kept.as_ref().and_then(|(kept, _)| kept.ports_of(id));
            let (main, address) = listen_again(options.listen, ports.map(|p| p.main))?;
            let (media, media_address) = listen_again(options.listen, ports.map(|p| p.media))?;
            listeners.push((id, main, media));
            dcs.push(DcInfo {
                id,
                address,
                media_address,
            });
        }
        let (control_listener, control_address) = listen(options.control)?;

        let world_clock = WorldClock::new(Arc::clone(&clock));
        let (world, kept_keys) = match kept {
            None => {
                let world = World::new(world_clock.clone(), Arc::clone(&random), options.dcs);
                (world, Vec::new())
            }
            Some((kept, lost)) => {
                let highest = kept.world.highest_dc();
                if highest > i32::from(options.dcs) {
                    return Err(StartError::TooFew(highest));
                }
                world_clock.advance(Duration::from_millis(kept.ahead_ms));
                let random = Arc::clone(&random);
                let clock = world_clock.clone();
                let mut world = World::restored(clock, random, options.dcs, kept.world);
                if lost {
                    world.leap();
                }
                (world, kept.keys)
            }
        };
        let key = options.control_key.unwrap_or_else(|| random_key(&*random));
        let server_keys = Arc::new([server_key]);
        let hub = Arc::new(Hub::new(world, dcs, server_keys, clock, random, disk));
        hub.restore_keys(&kept_keys);
        hub.save();
        let saving = Arc::clone(&hub).keep_saving();
        let until = hub.ending.clone().run_until_cancelled_owned(saving);
        hub.tracker.spawn(until);
        let doors = listeners.into_iter().map(|(id, main, media)| {
            Some([
                Door::open(&hub, main, id, false),
                Door::open(&hub, media, id, true),
            ])
        });
        let this = Self {
            doors: Arc::new(tokio::sync::Mutex::new(doors.collect())),
            clock: world_clock,
            control: Arc::new(Control::new(control_address, key)),
            hub,
        };
        let serving = control::serve(this.clone(), control_listener);
        let until = this.hub.ending.clone().run_until_cancelled_owned(serving);
        this.hub.tracker.spawn(until);
        Ok(this)
    }

    /// The data centers and their addresses, which stay the same over stop and start.
    pub fn dcs(&self) -> Vec<DcInfo> {
        self.hub.dcs.clone()
    }

    /// Where clients are told to go: by `help.getConfig`, and in a demo by the configuration.
    pub fn announced(&self) -> Vec<DcInfo> {
        self.hub.announced.lock().to_vec()
    }

    /// Announces other addresses than those it listens on, such as those of proxies before it.
    pub fn announce(&self, dcs: Vec<DcInfo>) {
        *self.hub.announced.lock() = dcs.into();
    }

    /// The RSA key that clients need (PKCS#1 PEM).
    pub fn public_key_pem(&self) -> &'static str {
        keys::PUBLIC_PEM
    }

    /// Where the control API is, e.g. `http://127.0.0.1:40123`.
    pub fn control_url(&self) -> String {
        format!("http://{}", self.control.address())
    }

    /// Its bearer key.
    pub fn control_key(&self) -> &str {
        self.control.key()
    }

    /// Makes a user or a bot. With a password it takes about 100 ms.
    pub fn create_account(&self, new: NewAccount) -> Result<AccountInfo, WorldError> {
        let password = match &new.password {
            None => None,
            Some(password) => Some(
                Password::new(password, &*self.hub.random)
                    .ok_or_else(|| WorldError::Invalid("the password cannot be used".into()))?,
            ),
        };
        self.hub.change(|world| world.create_account(new, password))
    }

    /// Every user and bot.
    pub fn accounts(&self) -> Vec<AccountInfo> {
        let world = self.hub.world.lock();
        world.users.values().map(User::info).collect()
    }

    /// The account `from` writes to `to`: a user id, a basic group's id with a minus sign, or a
    /// channel's as bots write it (`-1000000000000 - id`).
    /// Returns the message's id in the sender's numbering.
    pub fn send_text(&self, from: i64, to: i64, text: &str) -> Result<i32, WorldError> {
        self.hub.change(|world| {
            world.user(from).ok_or(WorldError::UnknownAccount(from))?;
            let peer = content::peer(world, from, to);
            let peer = peer.ok_or(WorldError::UnknownPeer(to))?;
            let letter = Letter {
                text: text.to_owned(),
                ..Letter::default()
            };
            Ok(world.post(from, peer, &letter))
        })
    }

    /// Makes a basic group and returns its id (positive).
    pub fn create_chat(&self, by: i64, with: &[i64], title: &str) -> Result<i64, WorldError> {
        self.hub.change(|world| {
            for id in with.iter().chain([&by]) {
                world.user(*id).ok_or(WorldError::UnknownAccount(*id))?;
            }
            Ok(world.create_chat(by, with, title).0)
        })
    }

    /// A new auth key, already authorised for the account on its home data center, for clients
    /// whose server keys are constants.
    pub fn issue_auth_key(&self, account: i64) -> Result<[u8; 256], WorldError> {
        let home = self.hub.world.lock().user(account).map(|u| u.dc);
        let home = home.ok_or(WorldError::UnknownAccount(account))?;
        let mut bytes = [0; 256];
        self.hub.random.fill(&mut bytes);
        let salt = i64::from_le_bytes(self.hub.random.u64().to_le_bytes());
        let key = AuthKey::from_bytes(bytes);
        let id = key.id();
        self.hub.add_key(key, home, salt);
        self.hub.change(|world| world.sign_in(id, account));
        Ok(bytes)
    }

    /// Where the account is signed in.
    pub fn authorizations(&self, account: i64) -> Vec<AuthorizationInfo> {
        self.hub.world.lock().authorizations_of(account)
    }

    /// Makes every authorization of the account (of everybody, if `None`) so much older.
    pub fn age_authorizations(&self, account: Option<i64>, by: Duration) {
        let by = i64::try_from(by.as_secs()).unwrap_or(i64::MAX);
        self.hub.change(|world| {
            for authorization in world.authorizations.values_mut() {
                if account.is_none_or(|id| id == authorization.user) {
                    authorization.created = authorization.created.saturating_sub(by);
                }
            }
        });
    }

    /// Forgets an auth key and cuts its connections: the next packet under it is answered by the
    /// transport error -404. `auth_key_id` as in the journal. Says whether there was one.
    pub fn forget_key(&self, auth_key_id: &str) -> bool {
        u64::from_str_radix(auth_key_id, 16).is_ok_and(|id| self.hub.forget_key(id))
    }

    /// Adds a fault.
    pub fn add_rule(&self, rule: Rule) -> RuleId {
        self.hub.rules.lock().add(rule)
    }

    /// The faults and how often they acted.
    pub fn rules(&self) -> Vec<RuleView> {
        self.hub.rules.lock().list()
    }

    /// Removes a fault.
    pub fn remove_rule(&self, id: RuleId) -> bool {
        self.hub.rules.lock().remove(id)
    }

    /// Removes all faults.
    pub fn clear_rules(&self) {
        self.hub.rules.lock().clear();
    }

    /// Sets what happens to updates on their way, or ends it: then those that were held back go out.
    pub fn fault_pushes(&self, faults: Option<PushFaults>) {
        self.hub.fault_pushes(faults);
    }

    /// How often it happened since it was set.
    pub fn push_counts(&self) -> PushCounts {
        self.hub.push_counts()
    }

    /// Forgets what happened to the account so far, as Telegram does in time: who asks for the
    /// difference from before is told `updates.differenceTooLong`. Messages stay.
    pub fn forget_events(&self, account: i64) -> Result<(), WorldError> {
        self.hub.change(|world| {
            let user = world.users.get_mut(&account);
            let user = user.ok_or(WorldError::UnknownAccount(account))?;
            user.mailbox.events.clear();
            Ok(())
        })
    }

    /// What the server saw.
    pub fn journal(&self, filter: &JournalFilter) -> Vec<JournalEntry> {
        self.hub.journal().read(filter)
    }

    /// Waits until the journal has a finished call that fits, and returns the first one.
    pub async fn seen(&self, filter: &JournalFilter) -> JournalEntry {
        let mut changes = self.hub.watch_journal();
        loop {
            let found = self.journal(filter).into_iter();
            if let Some(entry) = found.into_iter().find(|e| e.outcome != Outcome::Pending) {
                return entry;
            }
            if changes.changed().await.is_err() {
                // The sender lives in the hub, which `self` holds.
                std::future::pending::<()>().await;
            }
        }
    }

    /// Moves the world's clock forward.
    pub fn advance_clock(&self, by: Duration) {
        self.clock.advance(by);
    }

    /// Puts the clock of the protocol (message ids, salts) so many seconds off the right time. Going
    /// back, all MTProto sessions are forgotten and their connections cut.
    pub fn set_clock_off(&self, seconds: i64) {
        self.hub.set_clock_off(seconds);
    }

    /// The world's clock.
    pub fn clock(&self) -> &WorldClock {
        &self.clock
    }

    /// Closes every open connection (of one data center, or of all); the ports stay open.
    pub async fn cut_connections(&self, dc: Option<i32>) {
        let doors = self.doors.lock().await;
        for (info, door) in self.hub.dcs.iter().zip(doors.iter()) {
            if dc.is_none_or(|dc| dc == info.id) {
                door.iter().flatten().for_each(Door::cut_links);
            }
        }
    }

    /// Closes one data center's ports and connections. The world stays.
    pub async fn stop_dc(&self, dc: i32) -> Result<(), StartError> {
        let (at, _) = self.place(dc)?;
        let mut doors = self.doors.lock().await;
        if let Some(open) = doors.get_mut(at).and_then(Option::take) {
            for door in open {
                door.close().await;
            }
        }
        Ok(())
    }

    /// Opens them again, on the same ports.
    pub async fn start_dc(&self, dc: i32) -> Result<(), StartError> {
        let (at, info) = self.place(dc)?;
        let mut doors = self.doors.lock().await;
        let Some(slot) = doors.get_mut(at).filter(|slot| slot.is_none()) else {
            return Ok(());
        };
        let again = async |address| {
            let bound = Door::bind_again(address).await;
            bound.map_err(|source| StartError::Listen { address, source })
        };
        let main = again(info.address).await?;
        let media = again(info.media_address).await?;
        *slot = Some([
            Door::open(&self.hub, main, dc, false),
            Door::open(&self.hub, media, dc, true),
        ]);
        Ok(())
    }

    /// Whether a data center's ports are open; `None` if there is no such data center.
    pub async fn is_running(&self, dc: i32) -> Option<bool> {
        let (at, _) = self.place(dc).ok()?;
        self.doors.lock().await.get(at).map(Option::is_some)
    }

    fn place(&self, dc: i32) -> Result<(usize, &DcInfo), StartError> {
        let mut all = self.hub.dcs.iter().enumerate();
        all.find(|(_, info)| info.id == dc)
            .ok_or(StartError::UnknownDc(dc))
    }

    /// Stops all data centers; the control API and the world stay.
    pub async fn stop(&self) {
        for dc in self.dcs() {
            // The number is one of ours.
            let _ = self.stop_dc(dc.id).await;
        }
    }

    /// Starts all data centers again, on the same ports.
    pub async fn restart(&self) -> Result<(), StartError> {
        for dc in self.dcs() {
            self.start_dc(dc.id).await?;
        }
        Ok(())
    }

    /// Opens a proxy in front of the data centers, on a free port beside theirs.
    pub fn open_proxy(&self, kind: ProxyKind) -> Result<ProxyServer, StartError> {
        let address = self.hub.dcs.first().map(|dc| dc.address.ip());
        let address = address.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
        let address = SocketAddr::new(address, 0);
        let hub = Arc::clone(&self.hub);
        ProxyServer::start(
            kind,
            address,
            self.dcs(),
            Arc::clone(&self.hub.random),
            Box::new(move || hub.unix()),
            self.hub.tracker.clone(),
            &self.hub.ending,
        )
        .map_err(|source| StartError::Listen { address, source })
    }

    /// Ends everything, waits for every task, and writes what is kept.
    pub async fn shutdown(&self) {
        self.hub.ending.cancel();
        self.stop().await;
        self.hub.tracker.close();
        self.hub.tracker.wait().await;
        self.hub.save();
    }
}

fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let failed = |source| StartError::Listen { address, source };
    let listener = Door::bind(address).map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

/// The port that was announced before, if it is free; else another one.
fn listen_again(
    address: IpAddr,
    port: Option<u16>,
) -> Result<(TcpListener, SocketAddr), StartError> {
    if let Some(port) = port {
        match listen(SocketAddr::new(address, port)) {
            Ok(bound) => return Ok(bound),
            Err(error) => tracing::warn!(%error, port, "the port of before is taken"),
        }
    }
    listen(SocketAddr::new(address, 0))
}

fn random_key(random: &dyn Random) -> String {
    (0..3).map(|_| hex(random.u64())).collect()
}
