// A program of a few hundred bytes that ends at once.
void _start(void)
{
#if defined(__x86_64__)
	__asm__ volatile("syscall" : : "a"(231), "D"(0) : "rcx", "r11");
#elif defined(__aarch64__)
	register long x8 __asm__("x8") = 94, x0 __asm__("x0") = 0;
	__asm__ volatile("svc 0" : : "r"(x8), "r"(x0));
#endif
	__builtin_unreachable();
}
