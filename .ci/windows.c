// bcryptprimitives.dll, which every Go program for Windows loads and wine 8 does not have.
#include <windows.h>
#include <bcrypt.h>

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T size)
{
	return BCryptGenRandom(NULL, data, (ULONG)size, BCRYPT_USE_SYSTEM_PREFERRED_RNG) == 0;
}

// Go's os.RemoveAll, with which a test removes its files, asks for a way to delete that wine 8 calls not implemented. It takes an
// older way after another error, so NtSetInformationFile of wine begins with a jump to this function.
typedef LONG WINAPI set_information(HANDLE file, void *status, void *info, ULONG size, int class);
static set_information *of_wine;

static LONG WINAPI set_information_file(HANDLE file, void *status, void *info, ULONG size, int class)
{
	enum { FileDispositionInformationEx = 64, STATUS_NOT_SUPPORTED_ = (LONG)0xC00000BB };
	return class == FileDispositionInformationEx ? STATUS_NOT_SUPPORTED_ : of_wine(file, status, info, size, class);
}

BOOL WINAPI DllMain(HINSTANCE dll, DWORD reason, void *reserved)
{
	enum { whole = 32, start = 12 }; // bytes: wine's function, and the jump
	unsigned char jump[start] = {0x48, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xe0}; // mov rax, address; jmp rax
	set_information *to = set_information_file;
	void *from = (void *)GetProcAddress(GetModuleHandleA("ntdll.dll"), "NtSetInformationFile");
	DWORD old;
	if (reason != DLL_PROCESS_ATTACH) return TRUE;
	of_wine = VirtualAlloc(NULL, whole, MEM_COMMIT, PAGE_EXECUTE_READWRITE);
	memcpy((void *)of_wine, from, whole);
	memcpy(jump + 2, &to, sizeof to);
	VirtualProtect(from, start, PAGE_EXECUTE_READWRITE, &old);
	memcpy(from, jump, start);
	return TRUE;
}
