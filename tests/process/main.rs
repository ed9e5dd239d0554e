//! The program as a process: started with settings in its environment, spoken to over its
//! listeners and its command line, killed, stopped and started again.

#![cfg(test)]

#[path = "../support/noise.rs"]
mod noise;
#[path = "../support/ports.rs"]
mod ports;
#[path = "../support/postgres.rs"]
mod postgres;
#[path = "../support/proxy.rs"]
mod proxy;
#[path = "../support/redis.rs"]
mod redis;

mod applying;
mod browser;
mod http;
mod installation;
mod outbox;
mod people;
mod portal;
mod server;
mod simulator;
mod sql;
mod statistics;

mod audit;
mod authority;
mod authority_failing;
mod backup;
mod bad_input;
mod changes;
mod commands;
#[cfg(test)]
mod demo;
mod deploy;
mod ending;
mod enumeration;
mod first_steps;
mod importing;
mod killed;
mod logout;
mod master_keys;
mod nodes;
mod personal_data;
mod references;
mod registration;
mod registration_races;
mod registrations_killed;
mod removal;
mod sweeping;
mod tls;
