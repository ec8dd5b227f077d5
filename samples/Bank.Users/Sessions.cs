using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Bank.ServiceDefaults;
using Microsoft.EntityFrameworkCore;

namespace Bank.Users;

/// <summary>Who is signed in. A token is 256 random bits; only its hash is stored.</summary>
internal sealed class Sessions(UsersDb db, TimeProvider time) : ISessionSource
{
    public static readonly TimeSpan Lifetime = TimeSpan.FromHours(8);

    public async Task<string> OpenAsync(string username, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow().UtcDateTime;
        await db.Sessions.Where(session => session.Username == username && session.ExpiresAt <= now).ExecuteDeleteAsync(cancellationToken);
        var token = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));
        db.Sessions.Add(new Session { TokenHash = Hash(token), Username = username, ExpiresAt = now + Lifetime });
        await db.SaveChangesAsync(cancellationToken);
        return token;
    }

    public Task CloseAsync(string token, CancellationToken cancellationToken)
    {
        var hash = Hash(token);
        return db.Sessions.Where(session => session.TokenHash == hash).ExecuteDeleteAsync(cancellationToken);
    }

    public async Task<SessionInfo> ValidateAsync(string token, CancellationToken cancellationToken)
    {
        var session = await db.Sessions.FindAsync([Hash(token)], cancellationToken);
        if (session is null || session.ExpiresAt - time.GetUtcNow().UtcDateTime is not { Ticks: > 0 } left)
            return SessionInfo.Invalid;
        var accounts = await db.AccountRequests.Where(request => request.Username == session.Username && request.AccountId != null)
            .Select(request => request.AccountId!.Value).Order().ToListAsync(cancellationToken);
        return new SessionInfo(true, session.Username, accounts, (int)left.TotalSeconds);
    }

    private static string Hash(string token) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(token)));
}
