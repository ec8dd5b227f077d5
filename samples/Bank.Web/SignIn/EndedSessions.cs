using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Caching.Memory;

namespace Bank.Web.SignIn;

/// <summary>
/// Sessions that their customers ended in the last minute. A page may notice that its session is over before the answer to the log out is there, and its customer
/// is not to be told that it expired. Tokens are not kept, only what they hash to.
/// </summary>
public sealed class EndedSessions(IMemoryCache cache)
{
    private static readonly TimeSpan Memory = TimeSpan.FromMinutes(1);

    public void Add(string token) => cache.Set(KeyOf(token), true, Memory);

    public bool Has(string token) => cache.TryGetValue(KeyOf(token), out _);

    private static object KeyOf(string token) => (nameof(EndedSessions), Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(token))));
}
