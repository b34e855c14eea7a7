// What people say to support in French.

import { agent, customer, type Phrasebook, type Subject } from './phrasebook.ts';

const subjects: readonly Subject[] = [
  {
    name: 'Colis non reçu',
    turns: [
      customer(
        'Mon colis devait arriver le {day} et le suivi n’a pas bougé depuis.',
        'J’attends toujours la commande {order}. Le suivi affiche « en transit » depuis des jours.',
      ),
      agent('Je suis navré de cette attente. Il s’agit bien de la commande {order}, livrée à {city} ?'),
      customer('C’est bien celle-là, oui.', 'Oui, {city}, c’est exact. Sonnez à la deuxième porte.'),
      agent('Le transporteur l’a scannée ce matin au dépôt de {city}, elle n’est donc pas perdue.'),
      customer('J’ai posé un jour de congé pour ça. Peut-elle arriver aujourd’hui ?'),
      agent('Plus aujourd’hui, malheureusement. Je peux réserver un créneau de deux heures demain, sans frais.'),
      customer('Demain entre huit et dix heures, ça irait.', 'Plutôt la boutique près de la gare, s’il vous plaît.'),
      agent('C’est fait. Vous recevrez un message au départ du camion. Votre article, {product}, reste assuré.'),
      customer('Bon. Et si elle n’arrive toujours pas ?'),
      agent('Alors répondez à ce message et nous en enverrons une autre par coursier, sans autre question.'),
    ],
  },
  {
    name: 'Panne d’internet',
    turns: [
      customer(
        'Notre internet est coupé depuis {time}. Tout le bureau est à l’arrêt.',
        'Y a-t-il une panne à {city} ? Ni le téléphone ni internet ne marchent ici.',
      ),
      agent('Je vérifie votre ligne. Quels voyants sont allumés sur l’avant de la box ?'),
      customer(
        'Celui du courant est vert, celui du DSL clignote en rouge.',
        'Seulement le premier. Les autres sont éteints.',
      ),
      agent('Merci. Il y a un défaut au central de {city} ; nos techniciens y travaillent depuis {time}.'),
      customer('Quand est-ce que ce sera rétabli ? Nous avons un appel avec un client cet après-midi.'),
      agent(
        'Ils pensent finir dans les deux heures. En attendant, je peux vous offrir {digits} Go de données mobiles.',
      ),
      customer('Cela nous aiderait, oui.', 'Volontiers. Comment les activer ?'),
      agent('C’est fait. Activez le partage de connexion de votre téléphone ; cela marche tout de suite.'),
      customer('C’est revenu ! Le voyant est vert.', 'Toujours rien, mais le partage marche. J’attends.'),
      agent('Bien. C’est noté sous {ticket}, et {amount} vous sont crédités pour la coupure.'),
    ],
  },
];

export const french: Phrasebook = {
  subjects,
  greetings: {
    call: {
      named: [
        'Merci de votre appel, je m’appelle {agent}. Comment puis-je vous aider ?',
        'Bonjour et bienvenue ! Vous êtes en ligne avec {agent}. Que puis-je faire pour vous ?',
      ],
      plain: ['Bonjour, comment puis-je vous aider ?'],
    },
    message: {
      named: ['Bonjour et merci de votre message. Je m’appelle {agent} et je m’en occupe.'],
      plain: ['Bonjour, je regarde cela.'],
    },
  },
  asides: {
    any: [
      [customer('Est-ce que ce sera long ? Je dois partir.'), agent('Deux ou trois minutes au plus. Je fais vite.')],
      [agent('Un instant, s’il vous plaît, le système est un peu lent aujourd’hui.'), customer('Je vous en prie.')],
      [
        customer('Au fait, avez-vous toujours {email} comme adresse ?'),
        agent('Oui, {email}. Je peux la changer, si vous voulez.'),
      ],
    ],
    call: [
      [
        customer('Pardon, pouvez-vous répéter ? La ligne est mauvaise.'),
        agent('Bien sûr : je suis toujours là, et votre dossier {ticket} est ouvert.'),
      ],
    ],
  },
  handover: [
    customer('Je préférerais parler à une personne.', 'Pouvez-vous me passer quelqu’un ?'),
    agent('Bonjour {customer}, ici {colleague}. J’ai lu vos messages, vous n’avez pas besoin de tout répéter.'),
  ],
  transfer: [
    agent('C’est du ressort d’une autre équipe, {customer}. Je vous passe {colleague}, qui pourra terminer.'),
    agent('Bonjour {customer}, {colleague} à l’appareil. {agent} m’a transmis votre dossier {ticket}.'),
  ],
  waiting: [
    'Allô ? Il y a quelqu’un ?',
    'J’attends depuis un moment. Quelqu’un peut-il me répondre, s’il vous plaît ?',
    'C’est urgent. Vous pouvez aussi me joindre à {email}.',
  ],
  farewells: {
    positive: ['Parfait, merci de votre aide, {helper}.', 'Merci, c’est tout ce qu’il me fallait. Très bien.'],
    neutral: ['Bon, on verra si ça marche.', 'D’accord. J’attends donc votre message.'],
    negative: ['Franchement, j’espérais mieux.', 'Je ne suis pas satisfait. C’était beaucoup trop long.'],
  },
  goodbyes: {
    plain: ['Je vous en prie, {customer}. Bonne journée !', 'Merci de votre patience. Au revoir !'],
    offering: ['Puis-je faire autre chose pour vous, {customer} ? Sinon, prenez soin de vous !'],
  },
  givenNames:
    'Aline,Benoît,Chloé,Damien,Élodie,Fabrice,Gaëlle,Hélène,Julien,Karim,Léa,Maël,Noémie,Olivier,Pauline,Rémi'.split(
      ',',
    ),
  familyNames:
    'Aubert,Bernard,Chevalier,Dubois,Fabre,Garnier,Lefèvre,Marchand,Noël,Perrin,Renard,Rousseau,Simon,Vidal'.split(','),
  cities: 'Lyon,Nantes,Rennes,Lille,Genève'.split(','),
  products: 'cafetière,lampe de bureau,casque,aspirateur robot,babyphone'.split(','),
  dayOf: (number) => (number === 1 ? '1er' : String(number)),
};
