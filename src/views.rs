//! What people see: page models, their templates, and languages.
//!
//! A page is a plain struct that names its template ([`page::Page`]); [`renderer::Renderer`] turns
//! it into HTML in one [`locale::Locale`]. Everything from outside is escaped, a link is one that a
//! browser may safely follow ([`link::WebLink`]), and no page needs a script. This module must not
//! know requests, cookies or storage: who shows a page brings every fact and address.

pub mod account;
pub mod assets;
pub mod code;
pub mod consent;
pub mod demo;
pub mod error;
pub mod error_code;
pub mod home;
pub mod link;
pub mod local_time;
pub mod locale;
pub mod login;
pub mod logout;
pub mod message;
pub mod outcome;
pub mod page;
pub mod privacy;
pub mod register;
pub mod renderer;
pub mod text_size;

mod catalog;
mod templates;

#[cfg(test)]
mod tests;
