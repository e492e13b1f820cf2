//! CPU time: what a thread or the process has computed, whatever else the machine does meanwhile; and on which CPU.

/// Nanoseconds of CPU that the current thread has used, in user and kernel mode.
pub fn of_thread() -> u64 {
    read(libc::CLOCK_THREAD_CPUTIME_ID)
}

/// Nanoseconds of CPU that the process has used since it began.
pub fn of_process() -> u64 {
    read(libc::CLOCK_PROCESS_CPUTIME_ID)
}

fn read(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a timespec that the call may write.
    let failed = unsafe { libc::clock_gettime(clock, &raw mut time) };
    assert_eq!(failed, 0, "this system has no CPU clock");
    time.tv_sec.unsigned_abs() * 1_000_000_000 + time.tv_nsec.unsigned_abs()
}

/// CPUs that threads may run on.
#[derive(Clone, Copy)]
pub struct Cpus(libc::cpu_set_t);

/// Keeps the current thread, and those that it will start, on one CPU; where it could run before. A request to a server on another
/// CPU takes twice the kernel's time, and which CPU the server is on is chance.
pub fn stay_on_one() -> std::io::Result<Cpus> {
    // SAFETY: a set of CPUs is a bit set, for which zeros are valid; the calls write to it alone, within its size.
    unsafe {
        let mut before: libc::cpu_set_t = std::mem::zeroed();
        check(libc::sched_getaffinity(0, size_of_val(&before), &raw mut before))?;
        let current = libc::sched_getcpu();
        stay_on(usize::try_from(current).map_err(std::io::Error::other)?)?;
        Ok(Cpus(before))
    }
}

/// Keeps the current thread on one of these CPUs, of which threads with other numbers get others, as long as there are.
pub fn stay_on_own(cpus: &Cpus, number: usize) -> std::io::Result<()> {
    let most = usize::try_from(libc::CPU_SETSIZE).unwrap_or_default();
    // SAFETY: every index is within the set.
    let mine: Vec<usize> = (0..most).filter(|cpu| unsafe { libc::CPU_ISSET(*cpu, &cpus.0) }).collect();
    mine.get(number % mine.len().max(1)).map_or(Ok(()), |cpu| stay_on(*cpu))
}

fn stay_on(cpu: usize) -> std::io::Result<()> {
    // SAFETY: zeros are a valid set; the kernel says which CPUs there are, and reads the set within its size.
    unsafe {
        let mut one: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(cpu, &mut one);
        check(libc::sched_setaffinity(0, size_of_val(&one), &raw const one))
    }
}

fn check(outcome: libc::c_int) -> std::io::Result<()> {
    if outcome == 0 { Ok(()) } else { Err(std::io::Error::last_os_error()) }
}
