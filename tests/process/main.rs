//! The program as a process: started with settings in its environment, spoken to over its
//! listeners and its command line, killed, stopped and started again.

#![cfg(test)]

#[path = "../support/postgres.rs"]
mod postgres;

mod browser;
mod http;
mod installation;
mod people;
mod portal;
mod server;
mod sql;

mod audit;
mod bad_input;
mod changes;
mod commands;
#[cfg(test)]
mod demo;
mod ending;
mod first_steps;
mod importing;
mod killed;
mod personal_data;
mod tls;
