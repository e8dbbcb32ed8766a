//! Memory for guests that live for one call: an ordinary call fits into memory that the instance
//! has from the start.
//!
//! The standard library's allocator asks for more memory with its first byte. For the host that is
//! two system calls for each instance, one to open the pages and one to close them again, each of
//! which stops all threads of the server for a moment. Here small blocks come from an arena that is
//! part of the module's own memory; what is large, or more than fits, comes from the standard
//! library's allocator as before.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::{Cell, UnsafeCell},
    ptr,
};

/// What ordinary calls need, several times over. Pages that are not touched cost nothing.
const ARENA_BYTES: usize = 128 * 1024;
/// Blocks are multiples of this, and lie at one.
const UNIT_BYTES: usize = 16;
/// Up to here there is a list of free blocks for each multiple, beyond it for each power of two.
const FINE_BYTES: usize = 256;
/// The largest block of the arena.
const MAX_BLOCK_BYTES: usize = 8 * 1024;
const FINE_LISTS: usize = FINE_BYTES / UNIT_BYTES;
const LISTS: usize = FINE_LISTS + (MAX_BLOCK_BYTES / FINE_BYTES).ilog2() as usize;

/// An allocator for one thread; to be made a `#[global_allocator]` in a guest.
pub struct Heap {
    arena: Arena,
    /// Where the part of the arena begins that no block was ever made from.
    fresh: Cell<usize>,
    /// The block of each size that was freed last. It holds the one before it.
    free: [Cell<*mut u8>; LISTS],
}

#[repr(align(16))]
struct Arena(UnsafeCell<[u8; ARENA_BYTES]>);

// SAFETY: A guest has one thread, and nothing else uses this crate.
unsafe impl Sync for Heap {}

impl Default for Heap {
    fn default() -> Self {
        Self::new()
    }
}

impl Heap {
    #[must_use]
    pub const fn new() -> Self {
        Self {
            arena: Arena(UnsafeCell::new([0; ARENA_BYTES])),
            fresh: Cell::new(0),
            free: [const { Cell::new(ptr::null_mut()) }; LISTS],
        }
    }

    fn start(&self) -> *mut u8 {
        self.arena.0.get().cast()
    }

    fn holds(&self, block: *mut u8) -> bool {
        block.addr().wrapping_sub(self.start().addr()) < ARENA_BYTES
    }

    /// A block of the arena; null where none is left.
    fn take(&self, size: Size) -> *mut u8 {
        let list = &self.free[size.list];
        let freed = list.get();
        if !freed.is_null() {
            // SAFETY: A block in a list is free, aligned, and holds what `give` wrote there.
            list.set(unsafe { freed.cast::<*mut u8>().read() });
            return freed;
        }
        let at = self.fresh.get();
        if ARENA_BYTES - at < size.bytes {
            return ptr::null_mut();
        }
        self.fresh.set(at + size.bytes);
        // SAFETY: `at` lies within the arena, as was just seen.
        unsafe { self.start().add(at) }
    }

    fn give(&self, block: *mut u8, size: Size) {
        let list = &self.free[size.list];
        // SAFETY: The block is the caller's no longer, aligned, and no size is smaller than this.
        unsafe { block.cast::<*mut u8>().write(list.get()) };
        list.set(block);
    }

    /// Makes the block that was made last larger or smaller where it stands.
    fn resize_last(&self, block: *mut u8, old: Size, new: Size) -> bool {
        let at = block.addr() - self.start().addr();
        let is_last = at + old.bytes == self.fresh.get() && at + new.bytes <= ARENA_BYTES;
        if is_last {
            self.fresh.set(at + new.bytes);
        }
        is_last
    }
}

/// What a block of the arena takes, and where its like are kept when they are free.
#[derive(Clone, Copy)]
struct Size {
    bytes: usize,
    list: usize,
}

impl Size {
    /// None for what does not belong into the arena.
    fn of(layout: Layout) -> Option<Self> {
        Self::of_bytes(layout.size()).filter(|_| layout.align() <= UNIT_BYTES)
    }

    fn of_bytes(bytes: usize) -> Option<Self> {
        if bytes <= FINE_BYTES {
            let units = bytes.div_ceil(UNIT_BYTES).max(1);
            return Some(Self { bytes: units * UNIT_BYTES, list: units - 1 });
        }
        if bytes > MAX_BLOCK_BYTES {
            return None;
        }
        let bytes = bytes.next_power_of_two();
        let list = FINE_LISTS + (bytes / FINE_BYTES).ilog2() as usize - 1;
        Some(Self { bytes, list })
    }
}

// SAFETY: Blocks come from the arena, each one handed out once until it is given back, or from the
// standard library's allocator; by its address each goes back to where it came from.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let block = Size::of(layout).map_or(ptr::null_mut(), |size| self.take(size));
        if !block.is_null() {
            return block;
        }
        // SAFETY: The caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if let Some(size) = Size::of(layout)
            && self.holds(block)
        {
            return self.give(block, size);
        }
        // SAFETY: It did not come from the arena.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        if !self.holds(block) {
            // SAFETY: It did not come from the arena.
            return unsafe { System.realloc(block, layout, bytes) };
        }
        if let (Some(old), Some(new)) = (Size::of(layout), Size::of_bytes(bytes))
            && (old.list == new.list || self.resize_last(block, old, new))
        {
            return block;
        }
        // SAFETY: The caller promises that the size, rounded up, is one that a layout may have;
        // both blocks are at least as large as what is copied, and the new one is another.
        unsafe {
            let larger = self.alloc(Layout::from_size_align_unchecked(bytes, layout.align()));
            if !larger.is_null() {
                ptr::copy_nonoverlapping(block, larger, bytes.min(layout.size()));
                self.dealloc(block, layout);
            }
            larger
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A block, filled with its own mark.
    struct Block {
        start: *mut u8,
        layout: Layout,
        mark: u8,
    }

    impl Block {
        fn new(heap: &Heap, bytes: usize, align: usize, mark: u8) -> Self {
            let layout = Layout::from_size_align(bytes, align).unwrap();
            // SAFETY: The layout is not empty.
            let start = unsafe { heap.alloc(layout) };
            assert!(start.addr().is_multiple_of(align));
            // SAFETY: The block has just been made.
            unsafe { start.write_bytes(mark, bytes) };
            Self { start, layout, mark }
        }

        fn resize(&mut self, heap: &Heap, bytes: usize) {
            // SAFETY: The block is live, and the new size is not empty.
            self.start = unsafe { heap.realloc(self.start, self.layout, bytes) };
            let kept = bytes.min(self.layout.size());
            self.layout = Layout::from_size_align(bytes, self.layout.align()).unwrap();
            self.check(kept);
            // SAFETY: The block is this large now.
            unsafe { self.start.write_bytes(self.mark, bytes) };
        }

        fn check(&self, bytes: usize) {
            // SAFETY: The block is live, and all of it has been written.
            let content = unsafe { std::slice::from_raw_parts(self.start, bytes) };
            assert!(content.iter().all(|byte| *byte == self.mark));
        }

        fn end(self, heap: &Heap) {
            self.check(self.layout.size());
            // SAFETY: The block is live until now.
            unsafe { heap.dealloc(self.start, self.layout) };
        }
    }

    /// What is done: to which block, and with what size.
    fn steps() -> impl Strategy<Value = Vec<(u8, usize, usize, u32)>> {
        let size = prop_oneof![4 => 1..300_usize, 2 => 1..5_000_usize, 1 => 1..60_000_usize];
        prop::collection::vec((0..4_u8, any::<usize>(), size, 0..7_u32), 0..400)
    }

    proptest! {
        #[test]
        fn no_block_ever_lies_in_another(steps in steps()) {
            let heap = Box::new(Heap::new());
            let mut blocks: Vec<Block> = Vec::new();
            for (mark, (step, which, bytes, align)) in (0..u8::MAX).cycle().zip(steps) {
                let at = which.checked_rem(blocks.len());
                match (step, at) {
                    (0, Some(at)) => blocks.swap_remove(at).end(&heap),
                    (1, Some(at)) => blocks[at].resize(&heap, bytes),
                    _ => blocks.push(Block::new(&heap, bytes, 1 << align, mark)),
                }
            }
            blocks.into_iter().for_each(|block| block.end(&heap));
        }
    }

    #[test]
    fn what_was_freed_is_used_again() {
        let heap = Box::new(Heap::new());
        for _ in 0..ARENA_BYTES {
            let block = Block::new(&heap, 100, 8, 1);
            assert!(heap.holds(block.start));
            block.end(&heap);
        }
    }

    #[test]
    fn what_does_not_fit_comes_from_the_standard_library() {
        let heap = Box::new(Heap::new());
        let large = Block::new(&heap, MAX_BLOCK_BYTES + 1, 8, 1);
        assert!(!heap.holds(large.start));
        large.end(&heap);
        let blocks: Vec<_> =
            (0..=ARENA_BYTES / 1024).map(|_| Block::new(&heap, 1024, 8, 2)).collect();
        assert!(!heap.holds(blocks.last().unwrap().start));
        blocks.into_iter().for_each(|block| block.end(&heap));
    }

    #[test]
    fn a_text_grows_where_it_stands() {
        let heap = Box::new(Heap::new());
        let mut text = Block::new(&heap, 8, 1, 1);
        let start = text.start;
        (1..MAX_BLOCK_BYTES).step_by(100).for_each(|bytes| text.resize(&heap, bytes));
        assert_eq!(text.start, start);
        text.end(&heap);
    }
}
