using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;

namespace Bank.Users;

/// <summary>Names and passwords.</summary>
internal sealed partial class Credentials(UsersDb db, IPasswordHasher<User> hasher)
{
    public const string UsernameRule = "3 to 32 of a-z, 0-9, '-', '_' and '.', beginning with a letter.";
    public const string PasswordRule = "8 to 128 characters.";

    // Checked when there is no such user, so that an unknown name takes as long as a wrong password.
    private static readonly User Nobody = new() { Username = "", PasswordHash = new PasswordHasher<User>().HashPassword(null!, Guid.NewGuid().ToString()) };

    public static bool IsUsername(string? name) => name is not null && Usernames().IsMatch(name);

    public static bool IsPassword(string? password) => password is { Length: >= 8 and <= 128 };

    /// <summary>False if the name is taken.</summary>
    public async Task<bool> RegisterAsync(string username, string password, CancellationToken cancellationToken)
    {
        if (await db.Users.AnyAsync(user => user.Username == username, cancellationToken))
            return false;
        var user = new User { Username = username, PasswordHash = "" };
        user.PasswordHash = hasher.HashPassword(user, password);
        db.Users.Add(user);
        try
        {
            await db.SaveChangesAsync(cancellationToken);
            return true;
        }
        catch (DbUpdateException) when (db.Users.AsNoTracking().Any(other => other.Username == username))
        {
            return false; // somebody else took it just now
        }
    }

    public async Task<bool> AreRightAsync(string username, string password, CancellationToken cancellationToken)
    {
        var user = await db.Users.FindAsync([username], cancellationToken) ?? Nobody;
        var result = hasher.VerifyHashedPassword(user, user.PasswordHash, password);
        if (result == PasswordVerificationResult.SuccessRehashNeeded)
        {
            user.PasswordHash = hasher.HashPassword(user, password);
            await db.SaveChangesAsync(cancellationToken);
        }

        return user != Nobody && result != PasswordVerificationResult.Failed;
    }

    [GeneratedRegex(@"^[a-z][a-z0-9._-]{2,31}\z")]
    private static partial Regex Usernames();
}
