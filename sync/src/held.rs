//! The ways in which a guard holds its lock.

use std::marker::PhantomData;

/// The way in which a [`MutexGuard`](crate::MutexGuard) holds its lock.
#[derive(Debug)]
pub struct Exclusively(());

/// The way in which a [`ReentrantMutexGuard`](crate::ReentrantMutexGuard) holds its lock. Not
/// `Send`: the thread is the owner.
#[derive(Debug)]
pub struct Again(PhantomData<*const ()>);

/// The way in which a [`RwLockReadGuard`](crate::RwLockReadGuard) holds its lock.
#[derive(Debug)]
pub struct Reading(());
/// The way in which a [`RwLockWriteGuard`](crate::RwLockWriteGuard) holds its lock.
#[derive(Debug)]
pub struct Writing(());
/// The way in which a [`RwLockUpgradableGuard`](crate::RwLockUpgradableGuard) holds its lock.
#[derive(Debug)]
pub struct Upgradable(());
