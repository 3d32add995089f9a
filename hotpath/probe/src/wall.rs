//! The wall: a panic handler and an allocator that cannot be linked.

use core::alloc::{GlobalAlloc, Layout};

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    unsafe extern "C" {
        fn the_hot_path_can_panic() -> !;
    }
    // SAFETY: no such symbol exists; if this call is reachable, the link fails.
    unsafe { the_hot_path_can_panic() }
}

/// An allocator that does not exist.
struct Nowhere;

#[global_allocator]
static NOWHERE: Nowhere = Nowhere;

// SAFETY: never runs: if it is reachable, the link fails.
unsafe impl GlobalAlloc for Nowhere {
    unsafe fn alloc(&self, _layout: Layout) -> *mut u8 {
        unsafe extern "C" {
            fn the_hot_path_can_allocate() -> *mut u8;
        }
        // SAFETY: no such symbol exists; if this call is reachable, the link fails.
        unsafe { the_hot_path_can_allocate() }
    }

    unsafe fn dealloc(&self, _pointer: *mut u8, _layout: Layout) {
        unsafe extern "C" {
            fn the_hot_path_can_free();
        }
        // SAFETY: no such symbol exists; if this call is reachable, the link fails.
        unsafe { the_hot_path_can_free() }
    }
}
