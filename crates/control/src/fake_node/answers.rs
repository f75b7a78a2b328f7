//! Fake node's API: what the fake answers, as the contract has it.

use super::*;

fn vitals(terms: &Terms, idle_ms: u64) -> Vitals {
    Vitals {
        lease_left_ms: terms.lease_ms,
        age_ms: 1,
        idle_ms: Some(idle_ms),
        calls: 0,
        memory_bytes: 1 << 20,
        connections: 0,
        init_pid: 1,
    }
}

impl NodeApi for FakeNode {
    fn status(&self) -> NodeFuture<'_, NodeStatus> {
        Box::pin(async move {
            let state = self.enter(FakeCall::Word).await?;
            let word = NodeStatus {
                boot_id: state.boot_id(),
                draining: state.draining,
                max_vaults: state.max_vaults,
                vaults: u32::try_from(state.vaults.len()).unwrap_or(u32::MAX),
                code: state.code.iter().copied().collect(),
                ..blank_word(&self.name)
            };
            Ok(told(word, &state.lies.word))
        })
    }

    fn health(&self) -> NodeFuture<'_, NodeHealth> {
        Box::pin(async move { Ok(NodeHealth { word: self.status().await?, findings: Vec::new() }) })
    }

    fn vaults(&self, of: Option<VaultId>) -> NodeFuture<'_, NodeVaults> {
        Box::pin(async move {
            let word = self.status().await?;
            let state = self.state();
            let vaults = state
                .vaults
                .iter()
                .filter(|(vault, _)| of.as_ref().is_none_or(|of| of == *vault))
                .map(|(vault, (generation, phase, terms))| NodeVault {
                    vault: vault.clone(),
                    generation: *generation,
                    phase: (*phase).into(),
                    vitals: vitals(terms, state.idle.get(vault).copied().unwrap_or(0)),
                })
                .collect();
            Ok(told(NodeVaults { word, vaults }, &state.lies.vaults))
        })
    }

    fn provision(&self, order: ProvisionOrder) -> NodeFuture<'_, Provisioned> {
        Box::pin(async move {
            {
                let bounds = order.limits.check().and(order.terms.check()).map_err(|error| error.to_string());
                let issuer = Issuer::from_hex(&order.issuer).map_err(|error| error.to_string());
                bounds.and(issuer.map(drop)).map_err(|error| NodeError::new(NodeFault::BadOrder, error))?;
                let mut state = self.enter(FakeCall::Provision).await?;
                if state.draining {
                    let message = format!("node {} is draining", self.name);
                    return Err(NodeError::new(NodeFault::Draining, message));
                }
                if state.vaults.len() >= state.max_vaults as usize {
                    let message = format!("node {} is full", self.name);
                    return Err(NodeError::new(NodeFault::Full, message));
                }
                state.take_code(order.sha256, &order.source)?;
                if state.vaults.contains_key(&order.vault) || state.tombs.contains_key(&order.vault) {
                    return Err(NodeError::new(NodeFault::Exists, format!("{} exists already", order.vault)));
                }
                state.vaults.insert(order.vault.clone(), (order.generation, Phase::Forged, order.terms));
                state.provisioned += 1;
                state.granted = order.secrets;
                state.trace = trace::current().map(|context| context.trace);
            }
            let (vault, generation) = (order.vault, order.generation);
            let methods = vec!["scan".to_owned(), "top".to_owned()];
            let opened = match order.opening {
                Some(Opening { lease_ms, link }) => {
                    Some(self.open(OpenOrder { vault, generation, lease_ms, link }).await?)
                }
                None => None,
            };
            let provisioned = Provisioned { methods, forged_us: 2500, opened, ..Provisioned::default() };
            Ok(told(provisioned, &self.lies().provisioned))
        })
    }

    fn keep(&self, code: Code) -> NodeFuture<'_, ()> {
        Box::pin(async move { self.enter(FakeCall::Keep).await?.take_code(code.sha256, &code.source) })
    }

    fn open(&self, order: OpenOrder) -> NodeFuture<'_, OpenedPort> {
        Box::pin(async move {
            let mut state = self.enter(FakeCall::Open).await?;
            let Some((generation, phase, terms)) = state.vaults.get_mut(&order.vault) else {
                return Err(state.unknown(&order.vault));
            };
            if *generation != order.generation {
                let message = format!("{} is generation {generation}", order.vault);
                return Err(NodeError::new(NodeFault::StaleGeneration, message));
            }
            *phase = (*phase).max(Phase::Ticketed);
            let mut terms = terms.clone();
            terms.lease_ms = order.lease_ms.unwrap_or(terms.lease_ms);
            terms.link = order.link.unwrap_or(terms.link);
            let opened = OpenedPort {
                ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
                port: 4242,
                cert_sha256: Sha256::of(b"certificate"),
                key_sha256: Sha256::of(b"key"),
                methods: vec!["scan".into(), "top".into()],
                terms: terms.clone(),
                max_frame_bytes: 1 << 20,
                call_deadline_ms: 10_000,
                life_left_ms: terms.lifetime_ms,
            };
            Ok(told(opened, &state.lies.opened))
        })
    }

    fn beat(&self, order: BeatOrder) -> NodeFuture<'_, Leased> {
        Box::pin(async move {
            let state = self.enter(FakeCall::Beat).await?;
            match state.vaults.get(&order.vault) {
                None => Err(state.unknown(&order.vault)),
                Some((generation, ..)) if order.generation.is_some_and(|wanted| wanted != *generation) => {
                    let message = format!("{} is generation {generation}", order.vault);
                    Err(NodeError::new(NodeFault::StaleGeneration, message))
                }
                Some((_, _, terms)) => Ok(told(Leased { lease_left_ms: terms.lease_ms }, &state.lies.leased)),
            }
        })
    }

    fn destruct(&self, order: DestructOrder) -> NodeFuture<'_, TornDown> {
        Box::pin(async move {
            let torn = {
                let mut state = self.enter(FakeCall::Destruct).await?;
                match state.end(&self.name, &order.vault, order.cause, order.by) {
                    Some(receipt) => Ok(TornDown { receipt, changed: true }),
                    None => match state.tombs.get(&order.vault) {
                        Some(receipt) => Ok(TornDown { receipt: receipt.clone(), changed: false }),
                        None => Err(state.unknown(&order.vault)),
                    },
                }
            };
            self.tell();
            let lies = self.lies();
            torn.map(|torn| told(torn, &lies.torn)).map_err(|error| told(error, &lies.error))
        })
    }

    fn receipt(&self, vault: VaultId) -> NodeFuture<'_, Receipt> {
        Box::pin(async move {
            let state = self.enter(FakeCall::Receipt).await?;
            if state.vaults.contains_key(&vault) {
                return Err(NodeError::new(NodeFault::NotYet, format!("{vault} is not dead")));
            }
            match state.tombs.get(&vault) {
                Some(receipt) => {
                    Ok(told(TornDown { receipt: receipt.clone(), changed: false }, &state.lies.torn).receipt)
                }
                None => Err(told(state.unknown(&vault), &state.lies.error)),
            }
        })
    }

    fn asks(&self, after: u64, wait_ms: u64) -> NodeFuture<'_, CloneAsks> {
        Box::pin(async move {
            let boot = self.state().boot;
            let mut wished = self.wished.subscribe();
            let something = wished.wait_for(|_| {
                let state = self.state();
                state.wishes.range(after + 1..).next().is_some() || state.down || state.boot != boot
            });
            let _ = tokio::time::timeout(Duration::from_millis(wait_ms), something).await;
            let last = *self.wished.borrow();
            let state = self.enter(FakeCall::Asks).await?;
            let asks = state.wishes.range(after + 1..).map(|(_, ask)| ask.clone()).collect();
            Ok(CloneAsks { boot_id: state.boot_id(), last, asks })
        })
    }

    fn doom(&self, doom: Doom) -> NodeFuture<'_, ()> {
        Box::pin(async move {
            let mut state = self.enter(FakeCall::Doom).await?;
            for vault in &doom.vaults {
                let _ = state.end(&self.name, vault, doom.cause, doom.by.clone());
            }
            drop(state);
            self.tell();
            Ok(())
        })
    }

    fn cloned(&self, answer: CloneAnswer) -> NodeFuture<'_, ()> {
        Box::pin(async move {
            let mut state = self.enter(FakeCall::Cloned).await?;
            if !state.vaults.contains_key(&answer.vault) {
                return Err(state.unknown(&answer.vault));
            }
            let is_it = |ask: &CloneAsk| (&ask.vault, ask.number) == (&answer.vault, answer.number);
            let Some(number) = state.wishes.iter().find(|(_, ask)| is_it(ask)).map(|(number, _)| *number)
            else {
                let message = format!("{} does not wait for clone {}", answer.vault, answer.number);
                return Err(NodeError::new(NodeFault::NotAwaited, message));
            };
            state.wishes.remove(&number);
            state.answers.push(answer);
            drop(state);
            self.tell();
            Ok(())
        })
    }

    fn news(&self, after: u64, wait_ms: u64) -> NodeFuture<'_, News> {
        Box::pin(async move {
            let boot = self.state().boot;
            let mut said = self.said.subscribe();
            let something = said.wait_for(|count| {
                let state = self.state();
                // A number from the future comes from another boot.
                *count != after || state.down || state.boot != boot
            });
            // Either way the answer tells what there is.
            let _ = tokio::time::timeout(Duration::from_millis(wait_ms), something).await;
            let state = self.enter(FakeCall::News).await?;
            if state.blot.is_some_and(|blot| after < blot && blot <= state.news.len() as u64) {
                return Err(NodeError::new(NodeFault::Strange, "it answers strangely"));
            }
            let skip = usize::try_from(after).unwrap_or(usize::MAX);
            let items = state.news.iter().skip(skip).cloned().collect();
            let news = News { boot_id: state.boot_id(), last: state.news.len() as u64, items };
            Ok(told(news, &state.lies.news))
        })
    }
}
